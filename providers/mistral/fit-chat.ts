import { type BodyEditor, isObject, type JsonObject, type JsonValue } from '../../plugin-sdk/index.ts';
import { chatFields, efforts, formatFields, predictionFields, schemaFields } from './allowed-fields.ts';
import { fitMessages } from './fit-messages.ts';
import { fitToolChoice, fitTools } from './fit-tools.ts';
import { keepAllowed, keepAllowedMembers } from './keep-allowed.ts';

/** A value as Mistral takes it; undefined when nothing of it is left. */
type Fit = (value: JsonValue, lost: (path: string) => void) => JsonValue | undefined;

const fits: Readonly<Record<string, Fit>> = {
  messages: fitMessages,
  tool_choice: fitToolChoice,
  tools: fitTools,
  response_format: fitFormat,
  prediction: fitPrediction,
  reasoning_effort: fitEffort,
};

/** Brings a chat request to what Mistral allows. What said something and cannot go is lost. */
export function fitChat(body: BodyEditor): void {
  // Read once: each edit makes a body that would have to be parsed anew.
  const json = body.json();
  const lost = (path: string): void => body.lost(path);
  keepAllowedMembers(body, chatFields);
  for (const [field, fit] of Object.entries(fits)) {
    const value = json[field];
    if (value === undefined || value === null) continue;
    const fitted = fit(value, lost);
    if (fitted === undefined) body.remove(field);
    else if (fitted !== value) body.set(field, fitted);
    if (field === 'tools' && fitted === undefined) removeChoice(body, lost);
  }
}

/** A choice among no tools is refused. */
function removeChoice(body: BodyEditor, lost: (path: string) => void): void {
  const choice = body.get('tool_choice');
  body.remove('tool_choice');
  if (choice !== undefined && choice !== 'auto' && choice !== 'none') lost('tool_choice');
}

function fitFormat(format: JsonValue, lost: (path: string) => void): JsonValue {
  if (!isObject(format)) return format;
  const kept = keepAllowed(format, formatFields, (field) => lost(`response_format.${field}`));
  const { json_schema: schema } = kept;
  if (!isObject(schema)) return kept;
  const fitted = keepAllowed(schema, schemaFields, (field) => lost(`response_format.json_schema.${field}`));
  return fitted === schema ? kept : { ...kept, json_schema: fitted };
}

/** OpenAI's prediction may be parts of text, Mistral's is text. */
function fitPrediction(prediction: JsonValue, lost: (path: string) => void): JsonValue {
  if (!isObject(prediction)) return prediction;
  const kept = keepAllowed(prediction, predictionFields, (field) => lost(`prediction.${field}`));
  const { content } = kept;
  return Array.isArray(content) ? { ...kept, content: content.map(textOf).join('') } : kept;
}

function textOf(part: JsonValue): string {
  const { text } = isObject(part) ? part : ({} as JsonObject);
  return typeof text === 'string' ? text : '';
}

function fitEffort(effort: JsonValue, lost: (path: string) => void): JsonValue | undefined {
  if (efforts.includes(effort)) return effort;
  lost('reasoning_effort');
  return undefined;
}
