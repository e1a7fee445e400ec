import type { Block, Conversation, Message } from '../../plugin-sdk/conversation/index.ts';
import { answerTool } from '../../plugin-sdk/dialects/answer-tool.ts';
import { isObject, type JsonObject, type JsonValue } from '../../plugin-sdk/json.ts';

/** What a request says, facet by facet, without the ways in which formats say the same thing differently. */
export type Meaning = Readonly<Record<string, unknown>>;

/**
 * The same for two conversations that ask the same: neighbouring turns of one role are one, system text is one text
 * wherever it stood, call ids are numbers in order, arguments are values, white space does not count, and what is the
 * default is as good as absent.
 */
export function requestMeaning(conversation: Conversation): Meaning {
  const { sampling = {}, tools = [], modalities, choices, store } = conversation;
  const functions = tools.filter((tool) => tool.type !== 'provider').filter(({ name }) => name !== answerTool);
  return {
    ...messagesMeaning(conversation.messages),
    tools: functions.map((tool) => [tool.name, tool.description || undefined, tool.type]),
    schemas: functions.map((tool) => (tool.type === 'function' ? schemaMeaning(tool.parameters) : undefined)),
    hostedTools: tools.filter((tool) => tool.type === 'provider').length,
    toolChoice: toolChoiceMeaning(conversation, functions.length),
    parallelToolCalls:
      functions.length > 0 && conversation.parallelToolCalls !== true ? conversation.parallelToolCalls : undefined,
    output: outputMeaning(conversation),
    temperature: sampling.temperature === 1 ? undefined : sampling.temperature,
    top_p: sampling.topP === 1 ? undefined : sampling.topP,
    top_k: sampling.topK,
    frequency_penalty: sampling.frequencyPenalty || undefined,
    presence_penalty: sampling.presencePenalty || undefined,
    seed: sampling.seed,
    logit_bias: sampling.logitBias,
    maxOutputTokens: conversation.maxOutputTokens,
    stop: conversation.stop,
    reasoning: reasoningMeaning(conversation),
    reasoningShown: (conversation.reasoning?.show ?? 'none') !== 'none' && reasoningMeaning(conversation) !== 'off',
    n: choices === 1 ? undefined : choices,
    logprobs: conversation.logprobs,
    modalities: modalities?.some((modality) => modality !== 'text') ? modalities : undefined,
    user: conversation.endUser,
    metadata: conversation.metadata,
    service_tier: usualTiers.has(conversation.serviceTier) ? undefined : conversation.serviceTier,
    verbosity: conversation.verbosity === 'medium' ? undefined : conversation.verbosity,
    store: store || undefined,
    previous_response_id: conversation.previousId,
  };
}

const usualTiers = new Set<string | undefined>(['auto', 'default', 'standard']);

function messagesMeaning(messages: readonly Message[]): Meaning {
  const numbers = new Map<string, number>();
  const numberOf = (id: string): number => numbers.get(id) ?? numbers.set(id, numbers.size).size - 1;
  const said = { system: '', user: '', assistant: '' };
  const calls: unknown[] = [];
  const results: unknown[] = [];
  const media: unknown[] = [];
  const thoughts: unknown[] = [];
  const order: string[] = [];
  let items = 0;
  const note = (what: string): void => void (order.at(-1) !== what && order.push(what));
  for (const message of messages) {
    const side = message.role === 'developer' ? 'system' : message.role;
    for (const block of message.blocks) {
      switch (block.type) {
        case 'text':
        case 'refusal':
          said[side] += squashed(block.text);
          if (side !== 'system' && squashed(block.text) !== '') note(side);
          break;
        case 'tool-call':
          calls.push([
            numberOf(block.id),
            block.name,
            block.kind === 'custom' ? block.arguments : argumentsIn(block.arguments),
          ]);
          note('assistant');
          break;
        case 'tool-result':
          results.push([numberOf(block.callId), squashed(textIn(block.content)), block.isError === true]);
          media.push(...block.content.flatMap(mediaMeaning));
          note('user');
          break;
        case 'reasoning':
          thoughts.push([squashed(block.text ?? block.summary?.join('') ?? ''), block.signature ?? block.encrypted]);
          break;
        case 'provider-item':
          // A message without words is none.
          if (block.value['content'] !== '') items += 1;
          break;
        default: {
          const [found] = mediaMeaning(block);
          // Text given as a file is text.
          if (found?.[1] === 'text') said.user += String(found[2]);
          else media.push(found);
          note('user');
        }
      }
    }
  }
  return {
    systemText: said.system,
    userText: said.user,
    assistantText: said.assistant,
    turns: order,
    calls,
    results: results.sort((a, b) => Number((a as number[])[0]) - Number((b as number[])[0])),
    media,
    thoughts,
    items,
  };
}

export const squashed = (text: string): string => text.replace(/\s+/g, '');

function textIn(blocks: readonly Block[]): string {
  return blocks.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

function argumentsIn(json: string): unknown {
  try {
    return json.trim() === '' ? {} : JSON.parse(json);
  } catch {
    return json;
  }
}

function mediaMeaning(block: Block): [kind: string, place: string, data: string][] {
  if (!('source' in block)) return [];
  const { source, type } = block;
  if (source.kind === 'base64' && type === 'file' && source.mediaType.startsWith('text/'))
    return [[type, 'text', squashed(Buffer.from(source.data, 'base64').toString())]];
  if (source.kind === 'text') return [[type, 'text', squashed(source.text)]];
  // A picture or sound may have come as a file.
  const [kind] = source.kind === 'base64' && type === 'file' ? source.mediaType.split('/') : [type];
  const isFile = kind !== 'image' && kind !== 'audio' && kind !== 'video';
  const data = source.kind === 'base64' ? source.data : source.kind === 'url' ? source.url : source.id;
  return [[isFile ? 'file' : kind, source.kind, data]];
}

/** Nothing said about arguments is an object without properties. */
export function schemaMeaning(schema: JsonObject | undefined): JsonValue {
  const { $schema: _, ...rest }: JsonObject = schema ?? { type: 'object', properties: {} };
  return rest['type'] === 'object' ? { properties: {}, ...rest } : rest;
}

function toolChoiceMeaning({ toolChoice: choice, output, tools }: Conversation, functions: number): unknown {
  const byAnswerTool = tools?.some((tool) => tool.type === 'function' && tool.name === answerTool) === true;
  if (functions === 0 || choice === undefined || choice.type === 'auto') return undefined;
  if (
    byAnswerTool &&
    output === undefined &&
    (choice.type === 'required' || (choice.type === 'tool' && choice.name === answerTool))
  )
    return undefined;
  return choice;
}

/** A format that is played by a tool is that format. */
function outputMeaning({ output, tools }: Conversation): unknown {
  const answer = tools?.find((tool) => tool.type === 'function' && tool.name === answerTool);
  if (answer?.type === 'function') return { type: 'schema', schema: schemaMeaning(answer.parameters) };
  if (output === undefined || output.type === 'text') return undefined;
  return output.type === 'json' ? { type: 'json' } : { type: 'schema', schema: schemaMeaning(output.schema) };
}

/** Efforts, budgets and adaptive thinking are translated into each other: what is left is whether to think. */
function reasoningMeaning({ reasoning }: Conversation): 'on' | 'off' | undefined {
  if (reasoning === undefined) return undefined;
  const { effort, budgetTokens, adaptive } = reasoning;
  if (effort === 'none' || budgetTokens === 0) return 'off';
  return effort === undefined && budgetTokens === undefined && adaptive === undefined ? undefined : 'on';
}

/** The outline of a schema: names and types, without the keywords that some formats move into descriptions. */
export function outlineOf(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(outlineOf);
  if (!isObject(schema as JsonValue)) return schema;
  const {
    type,
    properties,
    required,
    items,
    $ref,
    enum: words,
    const: word,
    $defs,
    definitions,
    anyOf,
    oneOf,
  } = schema as JsonObject;
  const inner = (schemas: JsonValue | undefined): unknown =>
    isObject(schemas)
      ? Object.fromEntries(Object.entries(schemas).map(([name, one]) => [name, outlineOf(one)]))
      : undefined;
  return {
    type,
    properties: inner(properties),
    required,
    items: outlineOf(items),
    $ref: typeof $ref === 'string' ? $ref.replace('definitions', '$defs') : $ref,
    words: word === undefined ? words : [word],
    $defs: inner($defs ?? definitions),
    anyOf: outlineOf(anyOf ?? oneOf),
  };
}
