import type { Exchange, JsonObject } from '../../plugin-sdk/index.ts';
import type { Job } from '../../plugin-sdk/ports/jobs.ts';

/** What a job answers with, as its SDK names it. */
export type Kind = keyof typeof shapes;

interface Facts {
  readonly id: string;
  readonly model: string;
  /** Unix seconds. */
  readonly created: number;
  readonly status: 'queued' | 'in_progress' | 'cancelled';
}

const noTokens = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

/**
 * The object of each kind while there is no answer yet: what the SDK parses without failing and without anything in it.
 * What SDKs do with less: reference of the wire formats, section 1.8.
 */
const shapes = {
  chat: ({ id, created, model }: Facts) => ({
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [],
    usage: noTokens,
  }),
  responses: ({ id, created, model, status }: Facts) => ({
    id,
    object: 'response',
    created_at: created,
    status,
    background: true,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    metadata: {},
    model,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    temperature: null,
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    usage: null,
  }),
  completions: ({ id, created, model }: Facts) => ({
    id,
    object: 'text_completion',
    created,
    model,
    choices: [],
    usage: noTokens,
  }),
  embeddings: ({ id, model }: Facts) => ({
    id,
    object: 'list',
    data: [],
    model,
    usage: { prompt_tokens: 0, total_tokens: 0 },
  }),
  moderations: ({ id, model }: Facts) => ({ id, model, results: [] }),
  images: ({ id, created }: Facts) => ({ id, created, data: [] }),
  transcription: ({ id }: Facts) => ({ id, text: '' }),
  speech: ({ id, model, status }: Facts) => ({ id, object: 'audio.speech', model, status }),
  rerank: ({ id, model }: Facts) => ({ id, object: 'list', model, results: [] }),
  message: ({ id, model }: Facts) => ({
    id,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 0, output_tokens: 0 },
  }),
  generation: ({ id, model }: Facts) => ({ responseId: id, modelVersion: model, candidates: [] }),
  other: ({ id, status }: Facts) => ({ id, object: 'async.job', status }),
} satisfies Record<string, (facts: Facts) => JsonObject>;

/** Endpoints that answer with each kind, by the end of their path. */
const endings: readonly [RegExp, Kind][] = [
  [/\/chat\/completions$/, 'chat'],
  [/\/completions$/, 'completions'],
  [/\/responses$/, 'responses'],
  [/\/embeddings$/, 'embeddings'],
  [/\/moderations$/, 'moderations'],
  [/\/images\/(generations|edits|variations)$/, 'images'],
  [/\/audio\/(transcriptions|translations)$/, 'transcription'],
  [/\/audio\/speech$/, 'speech'],
  [/\/rerank$/, 'rerank'],
  [/\/messages$/, 'message'],
  [/:generateContent$/, 'generation'],
];

const inference: ReadonlySet<string> = new Set([
  'chat',
  'responses',
  'completions',
  'embeddings',
  'moderations',
  'images.generate',
  'images.edit',
  'images.variation',
  'audio.speech',
  'audio.transcription',
  'audio.translation',
  'rerank',
  'passthrough',
]);

/** The kind of answer that an exchange asks for; `undefined` when it cannot be a job. */
export function kindOf({
  operation,
  dialect,
  request,
}: Pick<Exchange, 'operation' | 'dialect' | 'request'>): Kind | undefined {
  if (request.method !== 'POST' || !inference.has(operation)) return undefined;
  if (operation === 'chat' && dialect.id === 'anthropic.messages') return 'message';
  if (operation === 'chat' && dialect.id === 'gemini.generateContent') return 'generation';
  const kind = endings.find(([ending]) => ending.test(request.path))?.[1];
  if (operation === 'responses') return kind === 'responses' ? kind : undefined;
  return kind ?? 'other';
}

/**
 * What a client gets while its job waits or runs (or was cancelled, where the kind has a word for that).
 *
 * The documented loop asks `if (initial.choices)`. An empty list is false in Python but true in JavaScript, so the
 * JavaScript SDK, told by its user agent, gets an empty text: the one value that is false there and still has length 0.
 */
export function pendingAnswer(job: Job, userAgent = ''): JsonObject {
  const status = job.state === 'queued' ? 'queued' : job.state === 'cancelled' ? 'cancelled' : 'in_progress';
  const { model, kind } = job.facts as { model?: string; kind: Kind };
  const answer = shapes[kind]({ id: job.id, model: model ?? '', created: Math.floor(job.createdAt / 1_000), status });
  return 'choices' in answer && javaScriptSdk.test(userAgent) ? { ...answer, choices: '' } : answer;
}

const javaScriptSdk = /OpenAI\/JS/;
