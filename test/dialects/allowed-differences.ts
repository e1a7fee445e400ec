import { isDeepStrictEqual } from 'node:util';
import { answerTool } from '../../plugin-sdk/dialects/answer-tool.ts';
import type { DialectId } from '../../plugin-sdk/dialects/dialect.ts';
import type { JsonObject } from '../../plugin-sdk/json.ts';
import { type Meaning, outlineOf } from './request-meaning.ts';

export interface Comparison {
  readonly source: DialectId;
  readonly target: DialectId;
  readonly before: Meaning;
  readonly after: Meaning;
  /** The request as it was written for the target. */
  readonly body: JsonObject;
}

interface Allowed {
  readonly facet: string;
  readonly why: string;
  when(comparison: Comparison): boolean;
}

/** What Bedrock's models are told, without its spaces. */
const idle = 'Answerwithoutcallinganytool.';
const claude = ['anthropic.messages', 'bedrock.converse'];

/** What may differ although no path is lost: the target says it otherwise, or cannot be told what it need not know. */
const allowed: readonly Allowed[] = [
  {
    facet: 'maxOutputTokens',
    why: 'Claude has to be given a limit, so the most that its model can is asked for; a thinking budget comes on top',
    when: ({ target, before, after }) =>
      claude.includes(target) && Number(after['maxOutputTokens']) >= Number(before['maxOutputTokens'] ?? 0),
  },
  {
    facet: 'systemText',
    why: 'a JSON answer without schema, or with one that the native format refuses, is asked for in the system text',
    when: ({ before, after }) =>
      before['output'] !== undefined && String(after['systemText']).startsWith(String(before['systemText'])),
  },
  {
    facet: 'output',
    why: 'the same, seen from the other side; or a schema in the words that the native format knows',
    when: ({ before, after }) =>
      after['output'] === undefined
        ? String(after['systemText']).length > String(before['systemText']).length
        : isDeepStrictEqual(outlineOf(output(before)), outlineOf(output(after))),
  },
  {
    facet: 'output',
    why: 'Google takes no format where a function must be called, and no text comes that it would be for',
    when: ({ target, body }) =>
      target === 'gemini.generateContent' && /"functionCallingConfig":\{"mode":"ANY"/.test(JSON.stringify(body)),
  },
  {
    facet: 'schemas',
    why: 'keywords that strict tools do not know move into the description; names, types and required stay',
    when: ({ before, after }) => isDeepStrictEqual(outlineOf(before['schemas']), outlineOf(after['schemas'])),
  },
  {
    facet: 'systemText',
    why: 'Bedrock wants tools defined beside earlier calls, also where the client offers none that it has; they are not to be called',
    when: ({ before, after }) => String(after['systemText']) === `${before['systemText']}${idle}`,
  },
  ...(['tools', 'schemas'] as const).map((facet) => ({
    facet,
    why: 'the same: the tools that are defined',
    when: ({ target, after }: Comparison) =>
      target === 'bedrock.converse' && String(after['systemText']).endsWith(idle),
  })),
  ...(['tools', 'schemas', 'toolChoice'] as const).map((facet) => ({
    facet,
    why: 'Anthropic wants the same, and has a choice that forbids to call them',
    when: ({ target, before, body }: Comparison) =>
      target === 'anthropic.messages' &&
      isDeepStrictEqual(before['tools'], []) &&
      isDeepStrictEqual(body['tool_choice'], { type: 'none' }),
  })),
  {
    facet: 'systemText',
    why: 'system text between turns becomes text of the user where it stood (Gemini has no other place for it)',
    when: (comparison) => movedToUser(comparison),
  },
  {
    facet: 'userText',
    why: 'the same, seen from the other side; and Bedrock wants words beside a document, some of its models before an assistant',
    when: (comparison) =>
      movedToUser(comparison) ||
      (comparison.target === 'bedrock.converse' &&
        String(comparison.after['userText']).replace(/^\.|Seethedocument\./g, '') === comparison.before['userText']),
  },
  {
    facet: 'turns',
    why: 'the same: a prompt that is all system text becomes the turn of a user, and some models of Bedrock want the user first',
    when: (comparison) =>
      movedToUser(comparison) ||
      (comparison.target === 'bedrock.converse' &&
        isDeepStrictEqual(comparison.after['turns'], ['user', ...(comparison.before['turns'] as string[])])),
  },
  {
    facet: 'toolChoice',
    why: 'who cannot name some tools, one tool or none is offered only those, that one or none',
    when: ({ before, after }) => offersOnlyChosen(before, after),
  },
  ...['tools', 'schemas'].map((facet) => ({
    facet,
    why: 'the same, seen from the other side',
    when: ({ before, after }: Comparison) => offersOnlyChosen(before, after),
  })),
  {
    facet: 'reasoning',
    why: 'adaptive thinking has no word at OpenAI and Google, whose models do it by themselves; nor has "off" a word for models that do not think',
    when: ({ target, before, after }) =>
      after['reasoning'] === undefined && (before['reasoning'] === 'off' || /^(?:openai|gemini)/.test(target)),
  },
  {
    facet: 'thoughts',
    why: 'thinking goes back to its maker only: another can neither verify nor use it. Words stay where there is a place',
    when: ({ before, after }) => thoughtWords(before).includes(thoughtWords(after)),
  },
  {
    facet: 'parallelToolCalls',
    why: 'the answer tool must be the only call of its turn; and who may call no tool cannot call two',
    when: ({ before, body }) =>
      JSON.stringify(body).includes(answerTool) ||
      (before['toolChoice'] as JsonObject | undefined)?.['type'] === 'none',
  },
  {
    facet: 'toolChoice',
    why: 'where a tool plays the output format, that tool may be called in any case, and some tool has to be',
    when: ({ before, body }) =>
      (before['toolChoice'] as JsonObject | undefined)?.['type'] !== 'tool' &&
      JSON.stringify(body).includes(answerTool),
  },
  {
    facet: 'service_tier',
    why: "Anthropic's auto takes the priority tier where there is one",
    when: ({ before, body }) => before['service_tier'] === 'priority' && body['service_tier'] === 'auto',
  },
  {
    facet: 'modalities',
    why: 'Google speaks or writes, but not both',
    when: ({ target, after }) =>
      target === 'gemini.generateContent' && isDeepStrictEqual(after['modalities'], ['audio']),
  },
  {
    facet: 'top_k',
    why: "Nova reads it among its own fields, which only Nova's name would tell apart on the way back",
    when: ({ before, body }) => JSON.stringify(body).includes(`"inferenceConfig":{"topK":${before['top_k']}}`),
  },
  {
    facet: 'top_p',
    why: 'the most that Cohere takes is 0.99, which it means by all',
    when: ({ target, before, after }) =>
      target === 'cohere.chat' && before['top_p'] === undefined && after['top_p'] === 0.99,
  },
  {
    facet: 'reasoningShown',
    why: 'models that think on a budget show it unasked',
    when: ({ body }) => isDeepStrictEqual((body['thinking'] as JsonObject | undefined)?.['type'], 'enabled'),
  },
  {
    facet: 'hostedTools',
    why: "web search is an option of OpenAI's chat and a tool elsewhere",
    when: ({ source, after }) => source === 'openai.chat' && after['hostedTools'] === 1,
  },
];

/** The facets that differ without a reason on the list above or a lost path that names them. */
export function unexplained(comparison: Comparison, lost: readonly string[]): string[] {
  const { before, after } = comparison;
  return Object.keys(before).filter(
    (facet) =>
      !isDeepStrictEqual(before[facet], after[facet]) &&
      !lost.some((path) => names_(facet, path)) &&
      !allowed.some((rule) => rule.facet === facet && rule.when(comparison)),
  );
}

const inMessages = /^(?:messages|contents|input|system|instructions|systemInstruction)\b/;

/** The paths by which clients know a facet. */
const pathsOf: Readonly<Record<string, RegExp>> = {
  userText: inMessages,
  calls: inMessages,
  results: inMessages,
  media: inMessages,
  thoughts: inMessages,
  items: inMessages,
  turns: inMessages,
  assistantText: inMessages,
  hostedTools: /^tools\[\d+\]$/,
  tools: /^tools\[\d+\]$/,
  schemas: /^tools\[\d+\]$/,
  toolChoice: /^tool_choice/,
  parallelToolCalls: /^parallel_tool_calls/,
  maxOutputTokens: /^max_(?:completion_|output_)?tokens/,
  output: /^(?:response_format|text\.format)/,
  systemText: /^response_format/,
  reasoning: /^reasoning/,
  reasoningShown: /^reasoning/,
  logprobs: /^(?:top_)?logprobs/,
  stop: /^stop\b/,
};

function names_(facet: string, path: string): boolean {
  return pathsOf[facet]?.test(path) ?? path === facet;
}

function movedToUser({ before, after }: Comparison): boolean {
  const all = ({ systemText, userText }: Meaning): string => [...`${systemText}${userText}`].sort().join('');
  return String(after['systemText']).length < String(before['systemText']).length && all(before) === all(after);
}

function output(meaning: Meaning): unknown {
  return (meaning['output'] as { schema?: unknown } | undefined)?.schema;
}

function offersOnlyChosen(before: Meaning, after: Meaning): boolean {
  const choice = before['toolChoice'] as { type: string; name?: string; names?: string[] } | undefined;
  const chosen: Record<string, unknown[] | undefined> = { tool: [choice?.name], allowed: choice?.names, none: [] };
  const wanted = chosen[choice?.type ?? 'auto'];
  return wanted !== undefined && isDeepStrictEqual(new Set(names(after)), new Set(wanted));
}

function names(meaning: Meaning): unknown[] {
  return (meaning['tools'] as unknown[][]).map(([name]) => name);
}

function thoughtWords(meaning: Meaning): string {
  return (meaning['thoughts'] as [string, unknown][]).map(([words]) => words).join('');
}
