import type { BytesBody, Call, Dialect, Pieces, Provider, Reply, UpstreamRequest } from '../../plugin-sdk/index.ts';
import type { LiveAttempt } from '../attempt.ts';
import { ByteBodyEditor } from './body-editor.ts';
import { callOf, refuseLosses, upstreamRequest } from './call.ts';
import { carriedReply } from './carried-reply.ts';
import type { Runtime } from './context.ts';
import { openUpstream } from './upstream.ts';

/**
 * The provider speaks the client's dialect: the client's bytes go out, the provider's bytes come back. The only edits are
 * the model's name and what the provider declares, made on the bytes.
 */
export async function carry(
  attempt: LiveAttempt,
  provider: Provider,
  dialect: Dialect,
  runtime: Runtime,
): Promise<Reply> {
  const call = callOf(attempt, dialect);
  const lost: string[] = [];
  const body = carriedBody(attempt, provider, call, lost);
  refuseLosses(attempt, provider, lost);
  const endpoint = provider.endpoint(call);
  let request = upstreamRequest(attempt, provider, endpoint, body);
  if (provider.authorize !== undefined) request = await provider.authorize(request, attempt.key);
  const upstream = await openUpstream(attempt, request, runtime);
  return carriedReply(attempt, provider, dialect, upstream, runtime);
}

function carriedBody(attempt: LiveAttempt, provider: Provider, call: Call, lost: string[]): UpstreamRequest['body'] {
  const { body } = attempt.exchange.request;
  if (body.kind === 'none') return undefined;
  if (body.kind === 'stream') return body.readable;
  if (call.passthrough) return sendable(body);
  let carried = body;
  const named = body.member('model');
  if (!body.isJson)
    return named === undefined || call.model === '' || named === call.model
      ? sendable(body)
      : body.editField('model', call.model).bytes;
  if (typeof named === 'string' && call.model !== '' && named !== call.model) carried = body.edit('model', call.model);
  if (provider.editBody === undefined) return sendable(carried);
  const editor = new ByteBodyEditor(carried, (path) => lost.push(path));
  provider.editBody(call, editor);
  return sendable(editor.body);
}

/** A buffer wherever it is one already, as most requests are: that is what a provider who signs them can take as it is. */
function sendable({ pieces }: BytesBody): Buffer | Pieces {
  return pieces.list.length === 1 ? pieces.join() : pieces;
}
