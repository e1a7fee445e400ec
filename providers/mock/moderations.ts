import type { JsonObject, JsonValue } from '../../plugin-sdk/index.ts';
import type { Form } from './form.ts';

/** Category by the words that make the mock flag it. */
const words: Readonly<Record<string, RegExp>> = {
  harassment: /\b(idiot|stupid)\b/i,
  'harassment/threatening': /\bi will hurt\b/i,
  hate: /\bhate\b/i,
  'hate/threatening': /\bhate and hurt\b/i,
  illicit: /\b(steal|smuggle)\b/i,
  'illicit/violent': /\b(bomb|weapon)\b/i,
  'self-harm': /\bself-harm\b/i,
  'self-harm/instructions': /\bhow to self-harm\b/i,
  'self-harm/intent': /\bwant to self-harm\b/i,
  sexual: /\bsexual\b/i,
  'sexual/minors': /\bsexual minor\b/i,
  violence: /\b(kill|violence)\b/i,
  'violence/graphic': /\bgore\b/i,
};

/** Flags by plain words, so that both outcomes can be had at will. */
export function answerModerations(form: Form, model: string, id: string): JsonObject {
  const input = form.fields.get('input') ?? '';
  const isParts = Array.isArray(input) && input.some((part) => typeof part !== 'string');
  const texts = Array.isArray(input) && !isParts ? input : [input];
  return {
    id: `modr-${id}`,
    model,
    results: texts.map((text) => resultOf(typeof text === 'string' ? text : JSON.stringify(text))),
  };
}

function resultOf(text: string): JsonObject {
  const flags = Object.entries(words).map(([category, pattern]) => [category, pattern.test(text)] as const);
  const byCategory = (value: (isFlagged: boolean) => JsonValue): JsonObject =>
    Object.fromEntries(flags.map(([category, isFlagged]) => [category, value(isFlagged)]));
  return {
    flagged: flags.some(([, isFlagged]) => isFlagged),
    categories: byCategory((isFlagged) => isFlagged),
    category_scores: byCategory((isFlagged) => (isFlagged ? 0.99 : 0.01)),
    category_applied_input_types: byCategory(() => ['text']),
  };
}
