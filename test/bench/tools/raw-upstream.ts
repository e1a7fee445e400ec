import { createServer, type Socket } from 'node:net';

/**
 * An upstream that costs next to nothing: a fixed answer per path, written as soon as a request is whole.
 * `/stream/…` answers with server-sent events. Run: node test/bench/tools/raw-upstream.ts PORT
 */
const port = Number(process.argv[2]);
const padding = Number(process.env['ANSWER_BYTES'] ?? 700);
const events = Number(process.env['EVENTS'] ?? 100);
const everyMs = Number(process.env['EVENT_MS'] ?? 0);

const json = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o-mini',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'x'.repeat(padding), refusal: null },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 100, completion_tokens: 200, total_tokens: 300 },
});
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: up_1\r\nopenai-organization: bench\r\nopenai-processing-ms: 10\r\nopenai-version: 2020-10-01\r\nx-ratelimit-limit-requests: 10000\r\nx-ratelimit-remaining-requests: 9999\r\ncontent-length: ${json.length}\r\n\r\n${json}`,
);
const anthropic = JSON.stringify({
  id: 'msg_bench',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5',
  content: [{ type: 'text', text: 'x'.repeat(padding) }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 100, output_tokens: 200 },
});
const anthropicAnswer = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: up_1\r\ncontent-length: ${anthropic.length}\r\n\r\n${anthropic}`,
);
const head = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n',
);

const openaiEvents = framed([
  delta({ role: 'assistant', content: '' }),
  ...Array.from({ length: events - 2 }, (_, i) => delta({ content: `word${i} ` })),
  delta({}, 'stop'),
]).concat(Buffer.from(chunked('data: [DONE]\n\n')));
const anthropicEvents = [
  event('message_start', {
    message: {
      id: 'msg_b',
      type: 'message',
      role: 'assistant',
      model: 'claude',
      content: [],
      stop_reason: null,
      usage: { input_tokens: 9, output_tokens: 1 },
    },
  }),
  event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
  ...Array.from({ length: events - 2 }, (_, i) =>
    event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: `word${i} ` } }),
  ),
  event('content_block_stop', { index: 0 }),
  event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 98 } }),
  event('message_stop', {}),
];

function delta(value: object, finish: string | null = null): string {
  return JSON.stringify({
    id: 'chatcmpl-bench00000000000000000000000000',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'gpt-4o-mini-2024-07-18',
    service_tier: 'default',
    system_fingerprint: 'fp_0123456789',
    choices: [{ index: 0, delta: value, logprobs: null, finish_reason: finish }],
  });
}

function event(name: string, data: object): Buffer {
  return Buffer.from(chunked(`event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`));
}

function framed(lines: readonly string[]): Buffer[] {
  return lines.map((line) => Buffer.from(chunked(`data: ${line}\n\n`)));
}

function chunked(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

const end = Buffer.from('0\r\n\r\n');

function stream(socket: Socket, pieces: readonly Buffer[]): void {
  if (everyMs === 0) {
    socket.write(Buffer.concat([head, ...pieces, end]));
    return;
  }
  socket.write(head);
  let next = 0;
  const timer = setInterval(() => {
    if (next < pieces.length && !socket.destroyed) socket.write(pieces[next++]!);
    else {
      clearInterval(timer);
      if (!socket.destroyed) socket.write(end);
    }
  }, everyMs);
}

createServer({ noDelay: true }, (socket) => {
  let held: Buffer | undefined;
  let missing = 0;
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    if (missing > 0) {
      missing -= chunk.length;
      if (missing <= 0) reply(held!);
      return;
    }
    held = held === undefined ? chunk : Buffer.concat([held, chunk]);
    const headEnd = held.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const text = held.toString('latin1', 0, headEnd);
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    missing = headEnd + 4 + length - held.length;
    if (missing <= 0) reply(held);
  });
  const reply = (request: Buffer): void => {
    held = undefined;
    missing = 0;
    const line = request.toString('latin1', 0, 80);
    const streams = request.includes('"stream":true');
    if (line.includes('/messages')) streams ? stream(socket, anthropicEvents) : socket.write(anthropicAnswer);
    else if (streams) stream(socket, openaiEvents);
    else socket.write(answer);
  };
}).listen({ port, host: '127.0.0.1', backlog: 4_096, reusePort: process.platform === 'linux' });
