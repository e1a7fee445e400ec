import type { Answer, AnswerEvent, Usage } from './conversation/index.ts';
import type { Dialect, UpstreamProblem } from './dialects/dialect.ts';
import type { Flow } from './flow.ts';
import type { FlatHeaders } from './headers.ts';
import type { JsonObject } from './json.ts';

/** What an attempt, or a plugin instead of it, answers with. */
export interface Reply {
  /** `gateway`: made here (a cache hit, a mock, a job's state), not by a provider. */
  readonly origin: 'upstream' | 'gateway';
  readonly status: number;
  /** Headers for the client; hop-by-hop ones are dropped when they are written. */
  readonly headers: FlatHeaders;
  readonly body: ReplyBody;
  /** The dialect that `bytes` and `flow` bodies are written in; absent means the client's own. */
  readonly dialect?: Dialect;
  /** Set when the provider failed: what it said. */
  readonly problem?: UpstreamProblem;
  /** Known before the body is read (a cache hit, a mock). */
  readonly usage?: Usage;
}

export type ReplyBody =
  | { readonly type: 'none' }
  /** Complete bytes, carried as they are. */
  | { readonly type: 'bytes'; readonly bytes: Buffer | string }
  /** Bytes still coming, carried as they are; `events` says that they are a stream of the dialect's events. */
  | {
      readonly type: 'flow';
      readonly flow: Flow<Buffer>;
      readonly events: boolean;
      /** What follows the last byte; asked for at the end. */
      readonly trailers?: () => FlatHeaders;
    }
  /** A whole answer to be written in the client's dialect. */
  | { readonly type: 'answer'; readonly answer: Answer }
  /** A streamed answer to be written in the client's dialect. */
  | { readonly type: 'events'; readonly events: Flow<AnswerEvent> };

/** What the `json` face of `transformResponse` sees and may replace. */
export interface JsonReply {
  readonly status: number;
  readonly origin: 'upstream' | 'gateway';
  /** The body as JSON in the client's dialect. For chat operations prefer `answer`. */
  readonly json: JsonObject;
  /** The same as an {@link Answer}, for operations that translate chat. Replace one of the two, not both. */
  readonly answer?: Answer;
}

/** The `json` face of a plugin that only has to do with streams: whole replies pass it unseen, so that nobody parses them. */
export function passesJson(): undefined {
  return undefined;
}

/** A JSON reply of the gateway's own. */
export function jsonReply(json: JsonObject, status = 200, headers: FlatHeaders = []): Reply {
  return {
    origin: 'gateway',
    status,
    headers: ['content-type', 'application/json', ...headers],
    body: { type: 'bytes', bytes: JSON.stringify(json) },
  };
}
