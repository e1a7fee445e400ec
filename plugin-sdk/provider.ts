import type { Readable } from 'node:stream';
import type { Usage } from './conversation/index.ts';
import type { Dialect, UpstreamProblem } from './dialects/dialect.ts';
import type { Exchange, KeyedAttempt } from './exchange.ts';
import type { OutgoingHeaders } from './headers.ts';
import type { JsonObject } from './json.ts';
import type { Pieces } from './json-bytes/index.ts';
import type { MaybePromise } from './maybe.ts';
import type { Operation } from './operations.ts';
import type { Secret } from './secret.ts';

/** One configured provider: what it speaks, where it is, how a call to it is made. Data and pure functions. */
export interface Provider {
  /** Instance name: the left side of `provider/model`. */
  readonly name: string;
  /** `gen_ai.provider.name` of OpenTelemetry; absent: the instance name. */
  readonly genAiName?: string;
  /** Scheme and authority, perhaps with a path prefix, without the API version: `https://api.openai.com`. */
  readonly baseUrl: string;
  readonly keys: readonly ProviderKey[];
  /** Needs no key (a local server): the pool then gives a key without value. */
  readonly keyless: boolean;
  /** What to tell an operator whose provider has no key, such as `Set OPENAI_API_KEY.` */
  readonly keyAdvice: string;
  /** Loopback and private addresses may be called, because the config names one. */
  readonly privateAddresses: boolean;
  /**
   * Dialects that this provider speaks, by operation, best first. The client's dialect among them: the call is carried.
   * Otherwise it is translated to the first. An operation that is absent is not served; `*` stands for all others.
   */
  readonly speaks: Readonly<Partial<Record<Operation | '*', readonly Dialect[]>>>;
  /** Narrows `speaks` by model, where one provider hosts several families (Vertex: Gemini and Claude). */
  dialectsFor?(operation: Operation, model: string): readonly Dialect[] | undefined;
  /** What a call in a dialect that it does not speak is translated to, where that is not the first of {@link speaks}. */
  translatesInto?(operation: Operation, model: string, exchange: Exchange): Dialect | undefined;
  /**
   * True for a call in a dialect that it speaks which yet asks for what only a translation gives it, in the reply too, such
   * as a kind of tool that it has not. The call then goes through the conversation, into the same dialect.
   */
  translates?(exchange: Exchange): boolean;
  /** Where a call goes and which headers it has, without the body. May throw GatewayError UP_AUTH. */
  endpoint(call: Call): Endpoint;
  /**
   * Lower-case names of client headers that go no further, such as those that choose among the accounts of a key; a
   * caller's own key brings its own.
   */
  readonly withheldHeaders?: readonly string[];
  /** Adds authentication that depends on time or on the body (OAuth tokens, SigV4). */
  authorize?(request: UpstreamRequest, key: KeyedAttempt['key']): MaybePromise<UpstreamRequest>;
  /**
   * The provider answered 401 or 403 to this key. True when a token that was fetched for it is at fault and now dropped:
   * the call is then made once more, with a new one.
   */
  unauthorized?(key: KeyedAttempt['key'], problem: UpstreamProblem): boolean;
  /** Changes a JSON body in the provider's dialect, carried or translated: renamed, dropped or added fields, as byte edits. */
  editBody?(call: Call, body: BodyEditor): void;
  /** Changes what the key decides in the JSON body of a passthrough call (a project, a location), as byte edits; nothing else. */
  editPassthrough?(call: Call, body: BodyEditor): void;
  /** Gives what the client's dialect expects from a JSON reply whose shape differs a little (flat errors, 200 with an error). */
  readonly quirks?: ReplyQuirks;
  /** What the encoder of the provider's dialect may do for this model. */
  capabilities?(model: string, operation: Operation): Readonly<Record<string, unknown>>;
  /** Translates operations beyond chat whose canonical form is the OpenAI shape (embeddings, images, audio). */
  readonly adapters?: Readonly<Partial<Record<Operation, OperationAdapter>>>;
  /** The provider's own model list; ids without prefix. */
  models?(list: ModelListCall): Promise<readonly ModelInfo[]>;
}

export interface ProviderKey {
  readonly name: string;
  readonly value: Secret | undefined;
  readonly weight: number;
  /** Model names, or `*`; a trailing `*` matches a prefix. */
  readonly models: readonly string[];
  readonly blockedModels: readonly string[];
  /** Client's model name → deployment or model id. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly enabled: boolean;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A call about to be made. */
export interface Call {
  readonly operation: Operation;
  /** The dialect that the body will be written in. */
  readonly dialect: Dialect;
  readonly method: string;
  /** Path as the client's route gave it, without mount and version, such as `/chat/completions`. */
  readonly path: string;
  /** Raw query with its `?`, or `''`. */
  readonly query: string;
  /** What the provider calls the model; `''` when the call names none. */
  readonly model: string;
  readonly stream: boolean;
  readonly passthrough: boolean;
  readonly key: KeyedAttempt['key'];
  readonly exchange: Exchange;
}

export interface Endpoint {
  /** `https://host:port`, no path. */
  readonly origin: string;
  /** Path with query, ready for the request line. */
  readonly path: string;
  readonly method?: string;
  /** Provider headers and authentication; they win over the client's. */
  readonly headers: OutgoingHeaders;
}

/** Byte edits on a JSON body; everything else stays as the client wrote it. */
export interface BodyEditor {
  /** Top-level member as a value; parses only that member. */
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  rename(from: string, to: string): void;
  remove(name: string): void;
  /** The whole body parsed, for changes deeper down; give the new value back with `replace`. */
  json(): JsonObject;
  replace(value: JsonObject): void;
  /** The target cannot carry this; listed in `x-bf-lossy`. */
  lost(path: string): void;
}

export interface ReplyQuirks {
  /** A 200 that is a failure (`{"error":…}`): gives the status it stands for. */
  readonly errorIn200?: (json: JsonObject) => number | undefined;
  /**
   * Rewrites a whole JSON reply, one stream event's JSON or the body of an error status to the dialect's exact shape;
   * `undefined` leaves it alone.
   */
  readonly json?: (json: JsonObject, face: 'reply' | 'event' | 'error') => JsonObject | undefined;
  /** For what depends on earlier events: made for each stream, and given what `json` made of an event. */
  readonly stream?: () => EventQuirks;
  /** Byte sequences of which at least one stands in every reply or event that these change; absent: each is looked at. */
  readonly needles?: readonly string[];
}

/** Rewrites the events of one stream. */
export interface EventQuirks {
  /** The event's JSON in the dialect's exact shape; `undefined` leaves it alone. */
  event(json: JsonObject): JsonObject | undefined;
  /** True as soon as every later event must be looked at, whatever stands in it. */
  readonly watches: boolean;
}

/** One upstream HTTP call, ready to send. */
export interface UpstreamRequest {
  readonly provider: string;
  readonly origin: string;
  readonly method: string;
  readonly path: string;
  readonly headers: OutgoingHeaders;
  /** A large one may be in pieces, which whoever signs it has to join. */
  readonly body: Buffer | Pieces | string | Readable | undefined;
  readonly privateAddresses: boolean;
}

/** A translator of one operation between the OpenAI shape and the provider's own. */
export interface OperationAdapter {
  /** Builds the provider's request from the OpenAI-shaped one; of a multipart form `body` holds the text fields (see readForm). May be several calls, answered in order. */
  encode(
    body: JsonObject,
    call: Call,
    lost: (path: string) => void,
  ): MaybePromise<AdaptedCall | readonly AdaptedCall[]>;
  /** Builds the OpenAI-shaped reply. `binary` replies (speech) return bytes. */
  decode(replies: readonly AdaptedReply[], body: JsonObject, call: Call): AdaptedResult;
  /** What to answer in place of a failure of the provider's; undefined lets it be one. */
  recover?(problem: UpstreamProblem, body: JsonObject, call: Call): AdaptedResult | undefined;
}

export interface AdaptedCall {
  readonly path: string;
  readonly method?: string;
  readonly body: JsonObject | Buffer | undefined;
  readonly contentType?: string;
  readonly headers?: OutgoingHeaders;
  /** Written as a client of the provider's own format would: `editBody` is shown it, too. */
  readonly carried?: true;
}

export interface AdaptedReply {
  readonly status: number;
  readonly headers: readonly string[];
  readonly json: JsonObject | undefined;
  readonly bytes: Buffer;
}

export type AdaptedResult =
  | { readonly json: JsonObject; readonly usage?: Usage }
  | { readonly bytes: Buffer; readonly contentType: string; readonly usage?: Usage };

export interface ModelListCall {
  readonly key: KeyedAttempt['key'];
  /** A guarded GET at the provider; throws GatewayError. */
  get(path: string, headers: OutgoingHeaders): Promise<JsonObject>;
}

export interface ModelInfo {
  readonly id: string;
  /** Unix seconds; 0 when the provider does not say. */
  readonly created: number;
  readonly ownedBy: string;
}
