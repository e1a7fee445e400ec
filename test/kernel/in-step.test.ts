import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { meetingPlace } from '../../kernel/in-step.ts';
import type { Reply } from '../../plugin-sdk/index.ts';
import { chatGateway, completion, plugin } from './chat-gateway.ts';

const reply: Reply = {
  origin: 'gateway',
  status: 200,
  headers: ['content-type', 'application/json'],
  body: { type: 'bytes', bytes: JSON.stringify(completion('hello')) },
};

test('calls that come in at the same time take each step together', async () => {
  const steps: string[] = [];
  const watcher = plugin('watcher', {
    hooks: {
      preRoute: () => void steps.push('preRoute'),
      selectKey: () => void steps.push('selectKey'),
      execute: () => {
        steps.push('execute');
        return new Promise<Reply>((resolve) => setImmediate(resolve, reply));
      },
      transformResponse: { json: () => void steps.push('transformResponse'), stream: () => undefined },
      postLog: () => void steps.push('postLog'),
    },
  });
  await using gateway = await chatGateway({ watcher });
  const sockets = await Promise.all([1, 2, 3].map(() => connected(gateway.port)));
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }] });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const askAll = (): Promise<unknown> => {
    const answered = sockets.map((socket) => once(socket, 'data'));
    for (const socket of sockets) socket.write(head + body);
    return Promise.all(answered);
  };
  // New connections may be accepted in different turns.
  await askAll();
  steps.length = 0;
  await askAll();
  for (const socket of sockets) socket.destroy();
  const thrice = (step: string): string[] => [step, step, step];
  assert.deepEqual(steps, [
    ...thrice('preRoute'),
    ...['selectKey', 'execute', 'selectKey', 'execute', 'selectKey', 'execute'],
    ...thrice('transformResponse'),
    ...thrice('postLog'),
  ]);
});

test('who comes to a meeting place later meets nobody of the turn before, and does not wait for anybody', async () => {
  const meet = meetingPlace();
  const first = meet();
  assert.equal(meet(), first);
  await first;
  const second = meet();
  assert.notEqual(second, first);
  await second;
});

async function connected(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}
