import type { AnswerFilter } from '../../plugin-sdk/dialects/answer-filter.ts';
import { type ThinkTags, thinkTagsFilter } from '../../plugin-sdk/dialects/think-tags.ts';
import { withoutCalls } from '../../plugin-sdk/dialects/without-calls.ts';
import {
  BytesBody,
  type Call,
  type Conversation,
  type Dialect,
  flowOf,
  getHeader,
  type Provider,
  type Reply,
} from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';
import { recordsPort } from '../../plugin-sdk/ports/records.ts';
import type { LiveAttempt } from '../attempt.ts';
import { ByteBodyEditor } from './body-editor.ts';
import { callOf, problemReply, refuseLosses, upstreamRequest } from './call.ts';
import type { Runtime } from './context.ts';
import { continueResponse } from './continue-response.ts';
import { failedReply } from './failed-reply.ts';
import { fanOut } from './fan-out.ts';
import { hiddenFailure } from './hidden-failure.ts';
import { type InlineMedia, inlineMedia } from './inline-media.ts';
import { plainReply, replyJson } from './reply-json.ts';
import { strictOutput } from './strict-output.ts';
import { type Asked, translatedEvents } from './translated-events.ts';
import { openUpstream, type Upstream } from './upstream.ts';
import { withoutDescription } from './whole-as-stream.ts';
import { wholeBody } from './whole-body.ts';

const told = loadOnUse<typeof import('../../plugin-sdk/dialects/events-of-answer.ts')>(
  import.meta.url,
  '../../plugin-sdk/dialects/events-of-answer',
);

/**
 * The provider speaks another chat dialect: client dialect → Conversation → provider dialect, and back as typed values
 * that the client's dialect writes later. One parse, one build, one stringify.
 */
export async function translate(
  attempt: LiveAttempt,
  provider: Provider,
  dialect: Dialect,
  runtime: Runtime,
): Promise<Reply> {
  const { exchange } = attempt;
  const call = callOf(attempt, dialect);
  const capabilities = provider.capabilities?.(call.model, call.operation) ?? {};
  const { inlineMedia: inline, choices } = capabilities as Wants;
  const said = exchange.conversation();
  const asked =
    said.previousId === undefined ? said : await continueResponse(said, exchange, runtime.findPort(recordsPort));
  const whole = inline === undefined ? asked : await inlineMedia(asked, inline, runtime, exchange);
  const { choices: count = 1, ...one } = whole;
  const send = (conversation: Conversation): Promise<Reply> =>
    translateOne(attempt, provider, call, capabilities, conversation, runtime);
  return choices === false && count > 1 ? fanOut(attempt, count, () => send(one)) : send(whole);
}

/** Capabilities of a target that the kernel itself acts on; the rest are the dialect's. */
interface Wants {
  readonly inlineMedia?: InlineMedia;
  /** False: one answer per call. */
  readonly choices?: boolean;
  /** Thinking may stand in its text, in these tags. */
  readonly thinkTags?: ThinkTags;
}

async function translateOne(
  attempt: LiveAttempt,
  provider: Provider,
  call: Call,
  capabilities: Readonly<Record<string, unknown>>,
  conversation: Conversation,
  runtime: Runtime,
): Promise<Reply> {
  const { dialect } = call;
  const lost: string[] = [];
  const client = attempt.exchange.dialect;
  const lose = (path: string): void => void lost.push(client.clientWord?.(path, conversation) ?? path);
  const encoded = dialect.chat!.encodeRequest(conversation, {
    model: call.model,
    stream: call.stream,
    capabilities,
    lost: lose,
  });
  const editor = new ByteBodyEditor(BytesBody.ofJson(encoded), lose);
  provider.editBody?.(call, editor);
  refuseLosses(attempt, provider, lost);
  const filters: AnswerFilter[] = [];
  const { thinkTags } = capabilities as Wants;
  if (thinkTags !== undefined) filters.push(thinkTagsFilter(thinkTags));
  if (conversation.toolChoice?.type === 'none') filters.push(withoutCalls);
  const strict = strictOutput(provider.name, dialect.chat!, conversation, encoded);
  if (strict !== undefined) filters.push(await strict);
  const endpoint = provider.endpoint(call);
  const { bytes } = editor.body;
  const own = ['content-type', 'application/json', ...endpoint.headers];
  let request = upstreamRequest(
    attempt,
    provider,
    { ...endpoint, method: endpoint.method ?? 'POST', headers: own },
    bytes,
    dialect,
  );
  if (provider.authorize !== undefined) request = await provider.authorize(request, attempt.key);
  const upstream = await openUpstream(attempt, request, runtime);
  return readReply(attempt, provider, dialect, { conversation, filters }, upstream, runtime);
}

async function readReply(
  attempt: LiveAttempt,
  provider: Provider,
  dialect: Dialect,
  asked: Asked,
  upstream: Upstream,
  runtime: Runtime,
): Promise<Reply> {
  const { reply } = upstream;
  const { exchange } = attempt;
  if (reply.status >= 400) return failedReply(attempt, provider, dialect, upstream);
  const base = { origin: 'upstream', status: 200, headers: withoutDescription(reply.headers), dialect } as const;
  const type = getHeader(reply.headers, 'content-type') ?? '';
  if (exchange.stream && !type.includes('application/json')) {
    return {
      ...base,
      body: { type: 'events', events: await translatedEvents(attempt, provider, dialect, asked, upstream) },
    };
  }
  try {
    const whole = await wholeBody(provider, reply, runtime.replyBytes);
    attempt.arrived();
    const plain = plainReply(reply.headers, whole, runtime.replyBytes);
    const json = replyJson(provider.name, new BytesBody(plain, 'application/json'));
    const failedStatus = provider.quirks?.errorIn200?.(json) ?? hiddenFailure(dialect, plain);
    if (failedStatus !== undefined) return problemReply(attempt, dialect, failedStatus, plain, base.headers);
    const shaped = provider.quirks?.json?.(json, 'reply') ?? json;
    const answer = dialect.chat!.decodeAnswer(shaped, asked.conversation);
    if (answer.usage !== undefined) attempt.usage = answer.usage;
    attempt.finish = answer.choices[0]?.finish?.native;
    const filtered = asked.filters.reduce((left, filter) => filter.answer(left), answer);
    // An SDK that reads a stream would take whole JSON for one without events.
    if (exchange.stream) return { ...base, body: { type: 'events', events: flowOf(told().eventsOfAnswer(filtered)) } };
    return { ...base, body: { type: 'answer', answer: filtered } };
  } finally {
    upstream.done();
  }
}
