import type { Answer, AnswerEvent, Conversation, Usage } from '../conversation/index.ts';
import type { GatewayError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { Operation } from '../operations.ts';

/** Wire formats that ship. The first eight translate chat; the others only name what a route and a provider both speak. */
export type KnownDialectId =
  | 'openai.chat'
  | 'openai.completions'
  | 'openai.responses'
  | 'anthropic.messages'
  | 'gemini.generateContent'
  | 'bedrock.converse'
  | 'bedrock.invoke'
  | 'cohere.chat'
  | 'openai'
  | 'anthropic'
  | 'google'
  | 'azure'
  | 'bedrock'
  | 'cohere'
  | 'ollama';

/** One that ships, or a plugin's own. */
export type DialectId = KnownDialectId | (string & {});

/** How a dialect's streams are cut into events. */
export type FramingId = 'sse' | 'ndjson' | 'aws-event-stream' | 'json-array';

/** One event of a stream, as the framer gives it. */
export interface FramedEvent {
  /** SSE `event:` field, or the AWS `:event-type` / `:exception-type`. */
  readonly name?: string;
  /** The payload text; SSE data lines joined with a newline. */
  readonly data: string;
  /** SSE `id:` field. */
  readonly id?: string;
  /** An AWS exception or error frame. */
  readonly exception?: boolean;
}

/**
 * What a read-only meter learns from passing bytes.
 * `kind` is the commit rule: until the first `content` a failed attempt is invisible to the client.
 */
export interface EventReading {
  readonly kind: 'preamble' | 'content' | 'error' | 'done';
  readonly usage?: Usage;
  /** Native finish word, if this event carries one. */
  readonly finish?: string;
  /** For `error`: what the provider said. */
  readonly problem?: UpstreamProblem;
}

/** A provider's failure, read from its error body, response headers or stream event. */
export interface UpstreamProblem {
  /** HTTP status that the failure stands for (an in-stream error has none of its own). */
  readonly status: number;
  readonly message: string;
  /** The provider's own type and code words. */
  readonly type?: string;
  readonly code?: string;
  readonly param?: string;
  /** Milliseconds until a retry makes sense. */
  readonly retryAfterMs?: number;
}

/** What a whole JSON reply says of itself. A member may be found only when it is asked for: ask for what you need, once. */
export interface JsonReading {
  readonly usage?: Usage | undefined;
  readonly finish?: string | undefined;
  readonly model?: string | undefined;
  readonly problem?: UpstreamProblem | undefined;
}

/** Reads errors, usage and commit points of a format without changing it. Every dialect has one. */
export interface DialectMeter {
  /** Usage and failure of a whole JSON reply, read from its bytes; parses as little as it can. */
  json(bytes: Buffer): JsonReading;
  /** A fresh reader for one stream: usage may be spread over events. */
  stream(): (event: FramedEvent) => EventReading;
  /** What one message of the provider in a WebSocket session says that it used; absent: sessions of this format are not read. */
  message?(bytes: Buffer): Usage | undefined;
  /** The format's success terminator; without one, the end of the HTTP body is the end of the stream. */
  readonly terminator?: string;
  /** Byte sequences of which at least one stands in every event worth reading; absent: every event is read. */
  readonly needles?: readonly string[];
}

/** The part of a dialect that every route needs: how it reports failures. */
export interface ErrorFace {
  /** The body for an error before the first byte. */
  encodeError(error: GatewayError, requestId: string): { readonly status: number; readonly body: string };
  /** The framed bytes for an error inside a stream. */
  encodeStreamError(error: GatewayError, requestId: string): string | Uint8Array;
  /** Reads a provider's error body in this format. */
  decodeError(status: number, body: Buffer, headers: readonly string[]): UpstreamProblem;
}

export interface Dialect extends ErrorFace {
  readonly id: DialectId;
  readonly framing: FramingId;
  readonly meter: DialectMeter;
  /** Translation of chat, where this dialect has it. */
  readonly chat?: ChatCodec;
  /** What its clients call a path that an encoder reports as lost; absent: encoders report in its words. */
  clientWord?(path: string, conversation: Conversation): string;
  /** Its own shapes of operations whose canonical form is OpenAI's, for providers that serve those to any client. */
  readonly shapes?: Partial<Readonly<Record<Operation, OperationShape>>>;
}

/** How the clients of a dialect write an operation whose canonical form is OpenAI's, and what they read. */
export interface OperationShape {
  /** The OpenAI-shaped request. Throws GatewayError REQ_INVALID naming the field when the body is not this format. */
  request(body: JsonObject, lost: (path: string) => void): JsonObject;
  /** The client's reply to `body`, from the OpenAI-shaped one. */
  reply(json: JsonObject, body: JsonObject): JsonObject;
  /** What the client calls a member of the OpenAI-shaped request. */
  word(name: string): string;
}

/** What an encoder may need to know of the target beyond the conversation. */
export interface EncodeContext {
  /** The model that the target serves, after aliases. */
  readonly model: string;
  readonly stream: boolean;
  /** What the target's model can do, as data; see `capabilities.ts` of the dialect. Unknown keys are ignored. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** Call for every path that the target cannot carry, such as `messages[2].content[0].input_audio`. */
  lost(path: string): void;
}

/** What a response encoder may need to know of the request that it answers. */
export interface AnswerContext {
  readonly requestId: string;
  /** The model as the client named it. */
  readonly model: string;
  /** The request, as decoded, for fields that a reply must echo. */
  readonly conversation: Conversation;
  /** Unix seconds, for formats that state when a reply was made. */
  readonly now: number;
}

/**
 * Both directions of one chat format, as pure functions: the same input gives the same output, so an attempt may
 * encode again. `decode*` reads this dialect, `encode*` writes it.
 */
export interface ChatCodec {
  /** Throws GatewayError REQ_INVALID naming the field when the body is not this format. */
  decodeRequest(body: JsonObject): Conversation;
  encodeRequest(conversation: Conversation, context: EncodeContext): JsonObject;
  /** Whether a request, as encoded, has the provider itself hold the answer to a schema. Absent: it always does. */
  enforcesOutput?(body: JsonObject): boolean;
  /**
   * `request` is what the answer replies to: it gives tools back the names that the client knows, where the format
   * forced others on them. Throws GatewayError UP_BAD_BODY when the body is not this format.
   */
  decodeAnswer(body: JsonObject, request?: Conversation): Answer;
  encodeAnswer(answer: Answer, context: AnswerContext): JsonObject;
  decodeStream(request?: Conversation): StreamDecoder;
  encodeStream(context: AnswerContext): StreamEncoder;
}

/** Takes the events of an answer, one by one. */
export type Emit = (event: AnswerEvent) => void;

/** One per upstream stream; keeps state between events. Synchronous. */
export interface StreamDecoder {
  /** Throws GatewayError UP_STREAM_ERROR when the event reports a failure. */
  event(event: FramedEvent, emit: Emit): void;
  /**
   * The upstream closed. Emits what was still open (`finish`, `usage`, `end`) if the stream had properly ended,
   * throws GatewayError UP_STREAM_CUT if it had not.
   */
  end(emit: Emit): void;
}

/** One per client stream. Returns framed text (bytes, for a binary framing) ready to write, `''` for nothing. Synchronous. */
export interface StreamEncoder {
  event(event: AnswerEvent): string | Uint8Array;
}
