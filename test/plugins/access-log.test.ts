import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../kernel/host.ts';
import type { Outcome, RoutedExchange } from '../../plugin-sdk/index.ts';
import { accessLine } from '../../plugins/access-log/access-line.ts';
import { LineWriter } from '../../plugins/access-log/line-writer.ts';
import { chat, chunks, completion, startRecording } from './record-gateway.ts';
import { smallDisk } from './small-disk.ts';

function logFile(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-access-'));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'logs', 'access.log');
}

function linesOf(file: string): Record<string, unknown>[] {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const start = (file: string, more: object = {}) =>
  startRecording({}, { plugins: { 'plugins/access-log': { destination: file, ...more } } });

describe('the access log', () => {
  it('has one line for each exchange, written by the time the gateway has closed', async (test) => {
    const file = logFile(test);
    {
      await using recording = await start(file);
      recording.upstream.reply(
        { json: completion },
        { events: chunks },
        { status: 400, json: { error: { message: 'no' } } },
      );
      await recording.post('/chat/completions', chat);
      await (await recording.post('/chat/completions', { ...chat, stream: true })).text();
      await recording.post('/chat/completions', chat);
      await recording.records(3);
    }
    const lines = linesOf(file);
    assert.deepEqual(
      lines.map((line) => [line['status'], line['stream'] ?? false, line['costUsd'], line['error']]),
      [
        [200, false, 0.003, undefined],
        [200, true, 0.0035, undefined],
        [400, false, undefined, 'UP_STATUS'],
      ],
    );
    assert.match(String(lines[0]!['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(lines.every((line) => String(line['request']).length > 0));
  });

  it('names the provider and the model of a hit of the cache, which used nothing', async (test) => {
    const file = logFile(test);
    {
      await using recording = await startRecording(
        {},
        { plugins: { 'plugins/access-log': { destination: file }, 'plugins/cache': {} } },
      );
      recording.upstream.always({ json: completion });
      await (await recording.post('/chat/completions', chat)).text();
      await recording.records(1);
      await (await recording.post('/chat/completions', chat)).text();
      await recording.records(2);
    }
    assert.deepEqual(
      linesOf(file).map((line) => [line['provider'], line['model'], line['inputTokens'], line['costUsd']]),
      [
        ['openai', 'gpt-4o', 1_000, 0.003],
        ['openai', 'gpt-4o', undefined, 0],
      ],
    );
  });

  it('is written without waiting for the buffer to fill', async (test) => {
    const file = logFile(test);
    await using recording = await start(file, { flushMs: 5 });
    recording.upstream.reply({ json: completion });
    await recording.post('/chat/completions', chat);
    await recording.records(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(linesOf(file).length, 1);
  });

  it('is refused when it is set up if its file cannot be written', (test) => {
    const destination = dirname(dirname(logFile(test)));
    const options = { destination, bufferBytes: 65_536, flushMs: 200 };
    assert.throws(
      () => new LineWriter(options, systemClock, console),
      /^Error: its destination cannot be written \(EISDIR/,
    );
  });

  it('goes on with a line of its own when its full disk has room again', async (test) => {
    const disk = smallDisk(test, 1);
    if (disk === undefined) return;
    const said: unknown[] = [];
    const log = { ...console, error: (...of: unknown[]) => said.push(of), warn: (...of: unknown[]) => said.push(of) };
    const destination = join(disk, 'access.log');
    const options = { destination, bufferBytes: 65_536, flushMs: 10 };
    const writer = new LineWriter(options, systemClock, log);
    const line = `{"text":"${'x'.repeat(5_000)}"}\n`;
    writeFileSync(join(disk, 'filler'), Buffer.alloc(1_048_576 - 3 * 4_096));
    for (let i = 0; i < 40; i++) {
      writer.write(line);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    rmSync(join(disk, 'filler'));
    for (let i = 0; i < 300 && said.length < 2; i++) {
      writer.write('{"text":"after"}\n');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(said.length, 2, 'one complaint, and one word that it is over');
    await writer.close();
    const lines = readFileSync(destination, 'utf8').trimEnd().split('\n');
    const torn = lines.filter((text) => !text.endsWith('}'));
    assert.ok(torn.length <= 1);
    assert.equal(lines.at(-1), '{"text":"after"}');
  });

  it('holds nothing of headers, queries and bodies', async (test) => {
    const file = logFile(test);
    const canary = 'canary-51c0';
    {
      await using recording = await start(file);
      recording.upstream.reply({ json: completion });
      const body = { ...chat, user: canary, messages: [{ role: 'user', content: canary }] };
      await recording.post(`/chat/completions?key=${canary}`, body, {
        authorization: `Bearer ${canary}`,
        'x-bf-lh-note': canary,
        cookie: canary,
      });
      await recording.records(1);
    }
    const text = readFileSync(file, 'utf8');
    assert.ok(!text.includes(canary) && !text.includes('sk-upstream'));
  });

  it('keeps a line one line of valid JSON whatever a client calls its model', () => {
    const model = `x"},\n{"admin":true\u2028${'y'.repeat(1_000)}`;
    const exchange = {
      id: 'req-1',
      time: 0,
      operation: 'chat',
      stream: false,
      model,
      targets: [],
      get: () => undefined,
      request: { method: 'POST' },
      route: { path: '/v1/chat/completions' },
    } as unknown as RoutedExchange;
    const outcome = { status: 404, durationMs: 1.234, attempts: [], bytesIn: 1, bytesOut: 2 } as unknown as Outcome;
    const line = accessLine(exchange, outcome);
    assert.equal(line.indexOf('\n'), line.length - 1);
    assert.equal(JSON.parse(line).clientModel, model.slice(0, 200));
    assert.equal(JSON.parse(line).time, '1970-01-01T00:00:00.000Z');
  });

  it('loses no line when the process exits at once', (test) => {
    const file = logFile(test);
    const program = `
      const { LineWriter } = await import(${JSON.stringify(new URL('../../plugins/access-log/line-writer.ts', import.meta.url).href)});
      const clock = { now: Date.now, monotonic: () => 0, after: () => () => {} };
      const writer = new LineWriter({ destination: ${JSON.stringify(file)}, bufferBytes: 65536, flushMs: 200 }, clock, console);
      await new Promise((resolve) => setTimeout(resolve, 50));
      writer.write('{"last":1}\\n');
      process.exit(0);`;
    spawnSync(process.execPath, ['--input-type=module', '-e', program]);
    assert.deepEqual(linesOf(file), [{ last: 1 }]);
  });
});
