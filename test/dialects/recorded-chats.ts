import type { Answer, AnswerEvent, Conversation } from '../../plugin-sdk/conversation/index.ts';
import type { Dialect, FramedEvent } from '../../plugin-sdk/dialects/dialect.ts';
import {
  anthropicMessages,
  bedrockConverse,
  cohereChat,
  geminiGenerateContent,
  openaiChat,
  openaiResponses,
} from '../../plugin-sdk/dialects/index.ts';
import { isObject, type JsonObject } from '../../plugin-sdk/json.ts';
import { type RecordedBody, recordedProviders, recordings } from '../recordings.ts';
import { eventsOf } from './stream-bytes.ts';

/** One recorded exchange in the terms of the dialect that it was made in. */
export interface RecordedChat {
  /** `provider/file#position`, for messages. */
  readonly name: string;
  readonly provider: string;
  readonly dialect: Dialect;
  readonly request?: JsonObject;
  readonly conversation: Conversation;
  /** A successful JSON reply. */
  readonly answer?: JsonObject;
  /** A successful stream as it came over the wire. */
  readonly stream?: Buffer;
}

const endings: readonly (readonly [RegExp, Dialect])[] = [
  [/\/chat\/completions$/, openaiChat],
  [/\/responses$/, openaiResponses],
  [/\/v1\/messages$|claude[^/]*:(?:streamRawP|rawP)redict$/, anthropicMessages],
  [/:(?:stream)?generateContent$/i, geminiGenerateContent],
  [/\/converse(?:-stream)?$/, bedrockConverse],
  [/\/v2\/chat$/, cohereChat],
];

export const chatDialects: readonly Dialect[] = endings.map(([, dialect]) => dialect);

let all: readonly RecordedChat[] | undefined;

/** Every recorded exchange of a chat dialect; those whose request was recorded as broken JSON are left out. */
export function recordedChats(): readonly RecordedChat[] {
  all ??= recordedProviders().flatMap((provider) =>
    recordings(provider).flatMap(({ file, interactions }) =>
      interactions.flatMap(({ request, response }, at): RecordedChat[] => {
        const path = request.url.split('?')[0]!;
        const dialect = endings.find(([ending]) => ending.test(path))?.[1];
        if (dialect === undefined) return [];
        const asked = jsonOf(request);
        const conversation = conversationOf(dialect, asked, path);
        const ok = response.status === 200;
        const answer = ok ? jsonOf(response) : undefined;
        const stream = ok && answer === undefined ? bytesOf(response) : undefined;
        return [
          {
            name: `${provider}/${file}#${at}`,
            provider,
            dialect,
            conversation,
            ...(asked === undefined ? {} : { request: asked }),
            ...(answer === undefined ? {} : { answer }),
            ...(stream === undefined ? {} : { stream }),
          },
        ];
      }),
    ),
  );
  return all;
}

/** The decoded request, with the model that some formats have in the URL; an empty one where none was recorded. */
function conversationOf(dialect: Dialect, body: JsonObject | undefined, path: string): Conversation {
  if (body === undefined) return { model: 'm', messages: [] };
  const conversation = dialect.chat!.decodeRequest(body);
  const inUrl = /\/models?\/([^/]+?)(?::\w+|\/converse(?:-stream)?)$/.exec(path)?.[1];
  return inUrl === undefined ? conversation : { ...conversation, model: decodeURIComponent(inUrl) };
}

/** Some JSON bodies were recorded as text, because their spelling is not that of JSON.stringify. */
function jsonOf({ body, bodyText }: RecordedBody): JsonObject | undefined {
  if (isObject(body)) return body;
  if (bodyText === undefined || !bodyText.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(bodyText) as JsonObject;
  } catch {
    return undefined;
  }
}

function bytesOf({ bodyText, bodyBase64 }: RecordedBody): Buffer | undefined {
  if (bodyBase64 !== undefined) return Buffer.from(bodyBase64, 'base64');
  return bodyText === undefined || !/^data:/m.test(bodyText) ? undefined : Buffer.from(bodyText);
}

/** The answer events of framed events. Throws what the decoder throws. */
export function decodeAll(dialect: Dialect, events: readonly FramedEvent[], request?: Conversation): AnswerEvent[] {
  const emitted: AnswerEvent[] = [];
  const emit = (event: AnswerEvent): void => void emitted.push(event);
  const decoder = dialect.chat!.decodeStream(request);
  for (const event of events) decoder.event(event, emit);
  decoder.end(emit);
  return emitted;
}

/** The stream of a client as bytes. */
export function encodeAll(dialect: Dialect, events: readonly AnswerEvent[], conversation: Conversation): Buffer {
  const encoder = dialect.chat!.encodeStream({ requestId: 'r', model: 'm', now: 1_700_000_000, conversation });
  return Buffer.concat(events.map((event) => Buffer.from(encoder.event(event) as string)));
}

export function streamedEvents(dialect: Dialect, bytes: Buffer, request?: Conversation): AnswerEvent[] {
  return decodeAll(dialect, eventsOf(dialect.framing, bytes), request);
}

export function answerIn(dialect: Dialect, answer: Answer, conversation: Conversation): JsonObject {
  const body = dialect.chat!.encodeAnswer(answer, { requestId: 'r', model: 'm', now: 1_700_000_000, conversation });
  return JSON.parse(JSON.stringify(body)) as JsonObject;
}
