import { Agent, request } from 'node:http';
import { openStore, sampleRecord } from './sample-records.ts';
import { chat } from './workloads.ts';

const atOnce = 1_000;
const clients = 32;

/** Writes records of the last day into a data folder that no gateway uses yet. */
export async function fillRecords(dataDir: string, count: number): Promise<void> {
  const { store, close } = openStore(dataDir);
  const day = 86_400_000;
  const start = Date.now() - day;
  for (let i = 0; i < count; i += atOnce) {
    await store.append(
      Array.from({ length: Math.min(atOnce, count - i) }, (_, at) =>
        sampleRecord(i + at, start + ((i + at) * day) / count),
      ),
    );
  }
  await close();
}

/** Submits jobs to a running gateway. Throws Error when one is not taken. */
export async function queueJobs(
  port: number,
  model: string,
  count: number,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const body = chat(model, 1_024);
  const options = {
    agent,
    port,
    path: '/openai/v1/chat/completions',
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-bf-async': 'true', ...headers },
  };
  const submit = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const call = request(options, (reply) => {
        reply.resume().on('end', resolve);
        if (reply.statusCode !== 200) reject(new Error(`a job was answered with ${reply.statusCode}`));
      });
      call.on('error', reject).end(body);
    });
  let left = count;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (left-- > 0) await submit();
    }),
  );
  agent.destroy();
}
