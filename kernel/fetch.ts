import type { FlatHeaders } from '../plugin-sdk/index.ts';
import { MemoryClient } from './client/memory-client.ts';
import type { Generation } from './generation.ts';

/** Serves a web `Request`, for programs that embed the gateway. Slower than the listener, and complete. */
export async function fetchThrough(generation: Generation, request: Request): Promise<Response> {
  const body = request.body === null ? undefined : Buffer.from(await request.clone().arrayBuffer());
  const url = new URL(request.url);
  const headers: FlatHeaders = [...request.headers].flat();
  return new Promise((resolve, reject) => {
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const stream = new ReadableStream<Uint8Array>({
      start: (made) => {
        controller = made as ReadableStreamDefaultController<Uint8Array>;
      },
      pull: () => client.drained(),
      cancel: () => client.leave(),
    });
    const client = new MemoryClient(
      { method: request.method, url: url.pathname + url.search, headers, body },
      (status, replyHeaders) => {
        const empty = status === 204 || status === 304 || request.method === 'HEAD';
        resolve(
          new Response(empty ? null : (stream as unknown as ConstructorParameters<typeof Response>[0]), {
            status,
            headers: pairs(replyHeaders),
          }),
        );
      },
      {
        push(chunk) {
          controller?.enqueue(chunk);
          return (controller?.desiredSize ?? 1) > 0;
        },
        end: () => controller?.close(),
        fail: (error) => {
          controller?.error(error);
          reject(error);
        },
      },
    );
    if (!generation.serve(client)) return resolve(generation.handlers.fetch(request));
    if (request.signal.aborted) client.leave();
    else request.signal.addEventListener('abort', () => client.leave(), { once: true });
  });
}

function pairs(flat: FlatHeaders): [string, string][] {
  const result: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) result.push([flat[i]!, flat[i + 1]!]);
  return result;
}
