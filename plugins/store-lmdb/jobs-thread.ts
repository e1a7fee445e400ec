import { parentPort, workerData } from 'node:worker_threads';
import { isGatewayError } from '../../plugin-sdk/errors.ts';
import { LmdbJobs } from './jobs.ts';
import { openJobs } from './jobs-environment.ts';
import { closeShared } from './open-shared.ts';
import { pack, unpack } from './thread-bytes.ts';
import type { Answer, Call } from './threaded-jobs.ts';

/** The thread that owns the jobs' environment, so that an fsync on a slow disk stops no request. See {@link ThreadedJobs}. */
const port = parentPort!;
const { path, mapBytes } = workerData as { path: string; mapBytes: number };
const environment = openJobs(path, mapBytes);
let clockOffset = 0;
const jobs = new LmdbJobs(environment, { now: () => Date.now() + clockOffset });

port.on('message', (call: Call | 'close') => {
  if (call === 'close') void closeShared(environment).then(() => port.close());
  else void answer(call);
});

async function answer({ number, method, args, now }: Call): Promise<void> {
  clockOffset = now - Date.now();
  const transfers: ArrayBuffer[] = [];
  let message: Answer;
  try {
    const perform = jobs[method] as (...args: unknown[]) => Promise<unknown>;
    message = { number, value: pack(await perform.apply(jobs, unpack(args)), transfers) };
  } catch (error) {
    message = isGatewayError(error)
      ? { number, code: error.code, fields: error.fields }
      : {
          number,
          code: 'STORE_UNAVAILABLE',
          fields: { reason: error instanceof Error ? error.message : String(error) },
        };
  }
  port.postMessage(message, transfers);
}
