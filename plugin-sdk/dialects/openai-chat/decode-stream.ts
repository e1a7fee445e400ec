import type { Conversation, Usage } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { Emit, FramedEvent, StreamDecoder } from '../dialect.ts';
import { carrying } from '../openai/carry.ts';
import { parseEvent, streamError } from '../openai/event-problem.ts';
import { decoderWithClientNames } from '../openai/tool-naming.ts';
import { readUsage } from '../openai/usage.ts';
import { present } from '../present.ts';
import { ChoiceDecoder } from './decode-choice.ts';
import { decoderWithFreeText } from './free-text-tools.ts';

const dialect = 'openai.chat';

export function decodeStream(request?: Conversation): StreamDecoder {
  return decoderWithFreeText(decoderWithClientNames(new ChatStreamDecoder(request?.stop), request, dialect), request);
}

/** Fields of a chunk that stay the same in the whole stream; the start event carries them. */
const constant = ['system_fingerprint', 'service_tier', 'provider'];
const known = new Set(['id', 'object', 'created', 'model', 'choices', 'usage', ...constant]);

class ChatStreamDecoder implements StreamDecoder {
  readonly #choices = new Map<number, ChoiceDecoder>();
  #started = false;
  #ended = false;
  #usage: Usage | undefined;
  #rawUsage: JsonValue | undefined;
  /** Fields that no event has a word for, from chunks that came before the answer's id was known. */
  #early: JsonObject = {};
  readonly #stop: readonly string[] | undefined;
  #id: string | undefined;

  constructor(stop: readonly string[] | undefined) {
    this.#stop = stop;
  }

  event(event: FramedEvent, emit: Emit): void {
    if (this.#ended || event.data === '') return;
    if (event.data === '[DONE]') {
      this.#finish(emit);
      return;
    }
    const chunk = parseEvent(event);
    const choices = Array.isArray(chunk['choices']) ? chunk['choices'].filter(isObject) : [];
    this.#start(chunk, choices, emit);
    if (this.#started) this.#passExtras(chunk, choices, emit);
    for (const choice of choices) this.#choice(choice, emit);
    this.#readUsage(chunk);
  }

  /** Some providers send no [DONE]; an answer whose choices all finished is whole without it. */
  end(emit: Emit): void {
    if (this.#ended) return;
    const finished = this.#choices.size > 0 && [...this.#choices.values()].every((choice) => choice.finished);
    if (!finished) throw new GatewayError('UP_STREAM_CUT', { provider: 'The provider' });
    this.#finish(emit);
  }

  /** Azure's first chunk has an empty id and only filter results; the answer starts with the next. */
  #start(chunk: JsonObject, choices: readonly JsonObject[], emit: Emit): void {
    if (this.#started) return;
    if (choices.length === 0 && !chunk['id']) {
      Object.assign(this.#early, extrasOf(chunk));
      return;
    }
    this.#started = true;
    const fixed: JsonObject = {};
    for (const field of constant) if (field in chunk) fixed[field] = chunk[field];
    const { id, model, created } = chunk;
    if (typeof id === 'string') this.#id = id;
    emit(
      present({
        type: 'start' as const,
        id: typeof id === 'string' ? id : undefined,
        model: typeof model === 'string' ? model : undefined,
        created: typeof created === 'number' ? created : undefined,
        ...carrying(dialect, fixed, { $read: true }),
      }),
    );
  }

  /** What an event cannot say travels as a partial chunk, ahead of the events that the same chunk gives. */
  #passExtras(chunk: JsonObject, choices: readonly JsonObject[], emit: Emit): void {
    const extras: JsonObject = { ...this.#early, ...extrasOf(chunk) };
    this.#early = {};
    const perChoice: JsonValue[] = [];
    for (const choice of choices) {
      const extra = extrasOfChoice(choice);
      if (extra !== undefined) perChoice.push(extra);
    }
    if (perChoice.length > 0) extras['choices'] = perChoice;
    if (Object.keys(extras).length > 0) emit({ type: 'native', dialect, value: extras });
  }

  #choice(value: JsonObject, emit: Emit): void {
    const index = typeof value['index'] === 'number' ? value['index'] : 0;
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = new ChoiceDecoder(index, present({ answerId: this.#id, stop: this.#stop }));
      this.#choices.set(index, choice);
    }
    if (value['finish_reason'] === 'error') throw failedChoice(value);
    choice.delta(value, emit);
  }

  #readUsage(chunk: JsonObject): void {
    const groq = chunk['x_groq'];
    const raw = chunk['usage'] ?? (isObject(groq) ? groq['usage'] : undefined);
    const usage = readUsage(raw);
    if (usage === undefined) return;
    this.#usage = usage;
    this.#rawUsage = raw;
  }

  #finish(emit: Emit): void {
    this.#ended = true;
    for (const choice of this.#choices.values()) choice.close(emit);
    if (this.#usage !== undefined) {
      emit({ type: 'usage', usage: this.#usage, ...carrying(dialect, undefined, { $usage: this.#rawUsage }) });
    }
    emit({ type: 'end' });
  }
}

function extrasOf(chunk: JsonObject): JsonObject | undefined {
  let extras: JsonObject | undefined;
  for (const key in chunk) {
    if (known.has(key)) continue;
    extras ??= {};
    extras[key] = chunk[key];
  }
  return extras;
}

const knownOfChoice = new Set(['index', 'delta', 'finish_reason', 'logprobs']);
const knownOfDelta = new Set([
  'role',
  'content',
  'refusal',
  'reasoning',
  'reasoning_content',
  'reasoning_details',
  'tool_calls',
  'function_call',
  'audio',
  'images',
  'annotations',
]);

function extrasOfChoice(choice: JsonObject): JsonObject | undefined {
  let extras: JsonObject | undefined;
  for (const key in choice) if (!knownOfChoice.has(key)) (extras ??= {})[key] = choice[key];
  let inner: JsonObject | undefined;
  const delta = choice['delta'];
  if (isObject(delta)) for (const key in delta) if (!knownOfDelta.has(key)) (inner ??= {})[key] = delta[key];
  if (extras === undefined && inner === undefined) return undefined;
  return { index: choice['index'] ?? 0, ...extras, ...(inner === undefined ? {} : { delta: inner }) };
}

function failedChoice(choice: JsonObject): GatewayError {
  const error = choice['error'];
  const message =
    isObject(error) && typeof error['message'] === 'string'
      ? error['message']
      : 'The provider ended the answer with an error.';
  return streamError({ status: 502, message });
}
