import { countReply } from '../../plugin-sdk/dialects/token-counting.ts';
import {
  type AnswerEvent,
  type Clock,
  type Exchange,
  GatewayError,
  isGatewayError,
  type JsonObject,
  type JsonValue,
  type KeyedAttempt,
  type MaybePromise,
  type Reply,
} from '../../plugin-sdk/index.ts';
import { BatchStore } from './batches.ts';
import { answerChat, type Pace, streamChat } from './chat.ts';
import { countTokens } from './count-tokens.ts';
import { answerEmbeddings } from './embeddings.ts';
import { eventsReply } from './events-reply.ts';
import { type FailureRule, Failures, failureReply } from './failures.ts';
import { answerFiles, FileStore } from './files.ts';
import { type Form, isTrue, readForm, textField } from './form.ts';
import { answerImages, streamImages } from './images.ts';
import { answerModerations } from './moderations.ts';
import { answerSpeech, streamSpeech } from './speech.ts';
import { TimedFlow } from './timed-flow.ts';
import { answerTranscription, streamTranscription } from './transcription.ts';

export interface MockOptions extends Pace {
  readonly failures: readonly FailureRule[];
}

const slowMs = 2_000;

/** Answers attempts in place of a provider. */
export class Mock {
  readonly #options: MockOptions;
  readonly #clock: Clock;
  readonly #failures: Failures;
  readonly #files = new FileStore();
  readonly #batches = new BatchStore(this.#files);

  constructor(options: MockOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#failures = new Failures(options.failures);
  }

  answer({ exchange, target }: KeyedAttempt): MaybePromise<Reply> {
    const { model } = target;
    const failure = this.#failures.next(model);
    const { latencyMs, ...rest } = this.#options;
    const pace = { ...rest, latencyMs: model === 'slow' ? Math.max(latencyMs, slowMs) : latencyMs };
    const reply = (): MaybePromise<Reply> => {
      if (failure !== undefined) return failureReply(exchange, failure);
      return exchange.dialect.chat === undefined
        ? this.#answerOther(exchange, model, pace)
        : this.#answerChat(exchange, model, pace);
    };
    const streams = exchange.stream && exchange.dialect.chat !== undefined && failure === undefined;
    return pace.latencyMs === 0 || streams ? reply() : this.#wait(pace.latencyMs, exchange).then(reply);
  }

  #answerChat(exchange: Exchange, model: string, pace: Pace): Reply {
    const conversation = exchange.conversation();
    if (!exchange.stream) {
      const answer = answerChat(conversation, model);
      return { origin: 'gateway', status: 200, headers: [], usage: answer.usage!, body: { type: 'answer', answer } };
    }
    const { steps, usage } = streamChat(conversation, model, pace);
    const isCut = model === 'cut';
    const events = isCut
      ? new TimedFlow<AnswerEvent>(
          steps.slice(0, Math.ceil(steps.length / 2)),
          this.#clock,
          new GatewayError('UP_STREAM_CUT', { provider: 'The mock' }),
        )
      : new TimedFlow<AnswerEvent>(steps, this.#clock);
    return { origin: 'gateway', status: 200, headers: [], usage, body: { type: 'events', events } };
  }

  async #answerOther(exchange: Exchange, model: string, pace: Pace): Promise<Reply> {
    try {
      const form = await readForm(exchange.request.body);
      return this.#answerForm(exchange, model, form, pace);
    } catch (error) {
      // What a provider would say is said as a provider does, and not as a failure of this plugin.
      if (!isGatewayError(error) || error.code !== 'REQ_INVALID' || error.status !== 404) throw error;
      return failureReply(exchange, { status: error.status, message: error.message, code: 'not_found' });
    }
  }

  #answerForm(exchange: Exchange, model: string, form: Form, pace: Pace): Reply {
    const { request, id } = exchange;
    const now = Math.floor(this.#clock.now() / 1_000);
    const stream = (events: readonly StreamItem[]): Reply => eventsReply(events, pace, this.#clock);
    switch (exchange.operation) {
      case 'embeddings':
        return json(embeddingsOf(exchange, form, model));
      case 'moderations':
        return json(answerModerations(form, model, id));
      case 'count_tokens':
        return json(countReply(exchange.dialect, inputTokens(form)));
      case 'images.generate':
      case 'images.edit':
      case 'images.variation':
        return isTrue(form, 'stream') ? stream(streamImages(form, now)) : json(answerImages(form, now));
      case 'audio.speech': {
        if (textField(form, 'stream_format') === 'sse') return stream(streamSpeech(form));
        const { contentType, bytes } = answerSpeech(form);
        return bytesReply(contentType, bytes);
      }
      case 'audio.transcription':
      case 'audio.translation': {
        if (isTrue(form, 'stream')) return stream(streamTranscription(form, pace.chunks));
        const transcript = answerTranscription(form);
        return 'json' in transcript
          ? json(transcript.json)
          : bytesReply('text/plain; charset=utf-8', Buffer.from(transcript.text));
      }
      case 'files': {
        const result = answerFiles(this.#files, request, form, now);
        return Buffer.isBuffer(result) ? bytesReply('application/octet-stream', result) : json(result);
      }
      case 'batches':
        return json(this.#batches.answer(request, form, now));
      default:
        throw new GatewayError('REQ_UNSUPPORTED', { provider: 'mock', operation: exchange.operation });
    }
  }

  /** Resolves after the time, or at once with a throw when the client leaves. */
  #wait(ms: number, exchange: Exchange): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(ms, () => {
        unlisten();
        resolve();
      });
      const unlisten = exchange.onClientGone(() => {
        cancel();
        reject(new GatewayError('CLIENT_GONE', {}));
      });
    });
  }
}

type StreamItem = Parameters<typeof eventsReply>[0][number];

/** In the client's own shape. */
function embeddingsOf({ dialect }: Exchange, form: Form, model: string): JsonObject {
  const shape = dialect.shapes?.embeddings;
  if (shape === undefined) return answerEmbeddings(form, model);
  const asked: JsonObject = Object.fromEntries(form.fields);
  const fields = new Map(Object.entries(shape.request(asked, () => {})) as [string, JsonValue][]);
  return shape.reply(answerEmbeddings({ ...form, fields }, model), asked);
}

function inputTokens(form: Form): number {
  return countTokens(JSON.stringify([...form.fields].filter(([name]) => name !== 'model').map(([, value]) => value)));
}

/** As bytes, so that usage is read from it as from a provider's reply. */
function json(value: JsonObject): Reply {
  return bytesReply('application/json', Buffer.from(JSON.stringify(value)));
}

function bytesReply(contentType: string, bytes: Buffer): Reply {
  return { origin: 'gateway', status: 200, headers: ['content-type', contentType], body: { type: 'bytes', bytes } };
}
