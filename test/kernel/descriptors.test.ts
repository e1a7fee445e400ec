import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { openListeners } from '../../kernel/listeners.ts';
import { startUpstream } from '../../plugin-sdk/testing/index.ts';
import { type StartedBinary, startBinary } from './started-binary.ts';

const deadline = { timeout: 60_000, skip: process.platform === 'linux' ? false : 'counts open files in /proc' };
const descriptors = 96;

const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content: [{ type: 'text', text: 'hi' }],
};
const answer = {
  ...message,
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 },
};

test(
  'a gateway without a file descriptor left refuses calls, and serves them when there are some again',
  deadline,
  async (t) => {
    const upstream = await startUpstream();
    t.after(() => upstream.close());
    upstream.always({ json: answer });
    const plugins = {
      'routes/openai': {},
      'providers/anthropic': upstream.provider(),
      'plugins/cache': {},
      'plugins/records': {},
      'plugins/async-jobs': {},
    };
    const gateway = startBinary(t, { config: { plugins }, descriptors });
    await gateway.untilSaid('listening');

    // Each of the last ones is left for a moment: whatever is opened for the first time finds a few, or none.
    const clients: Socket[] = [];
    for (let left = 5; left >= 0; left--) {
      await takeAllBut(left, gateway, clients);
      clients[0]!.write(request(`question ${left}`));
      await Promise.race([once(clients[0]!, 'data'), new Promise((resolve) => setTimeout(resolve, 300))]);
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    for (const client of clients) client.destroy();
    await gateway.until(() => openFiles(gateway) < descriptors - 20);

    const reply = await fetch(`${gateway.url()}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: chat('and now?'),
    });
    assert.equal(reply.status, 200, await reply.text());
  },
);

async function takeAllBut(left: number, gateway: StartedBinary, clients: Socket[]): Promise<void> {
  const { hostname, port } = new URL(gateway.url());
  while (openFiles(gateway) < descriptors - left) {
    const client = connect(Number(port), hostname);
    client.on('error', () => {});
    await once(client, 'connect');
    clients.push(client);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function openFiles({ child, output }: StartedBinary): number {
  assert.equal(child.exitCode ?? child.signalCode, null, output());
  return readdirSync(`/proc/${child.pid}/fd`).length;
}

function chat(content: string): string {
  return JSON.stringify({ model: 'anthropic/claude', messages: [{ role: 'user', content }] });
}

function request(content: string): string {
  const body = chat(content);
  return `POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

test('a connection that the system would not hand over, however often, does not end the process', async (t) => {
  const made: Server[] = [];
  const { listen } = Server.prototype;
  t.mock.method(Server.prototype, 'listen', function (this: Server, ...of: Parameters<typeof listen>) {
    made.push(this);
    return listen.apply(this, of);
  });
  const listeners = await openListeners('127.0.0.1', 0, false, (socket) => socket.destroy());
  t.after(() => listeners.close());
  const refused = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE', syscall: 'accept' });
  const server = made.findLast(({ listening }) => listening)!;
  for (let i = 0; i < 3; i++) assert.doesNotThrow(() => server.emit('error', refused));
});
