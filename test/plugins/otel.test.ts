import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTraceParent } from '../../plugins/otel/trace-parent.ts';
import { attributesOf, type CollectedSpan, startCollector } from './otlp-collector.ts';
import { chat, chunks, completion, startRecording } from './record-gateway.ts';

const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

async function start(options: object = {}, more: object = {}) {
  const collector = await startCollector();
  const recording = await startRecording({}, {
    plugins: {
      'plugins/otel': { url: collector.url, exportEveryMs: 20, hooks: false, ...options },
      failover: {},
      ...more,
    },
  } as never);
  return {
    collector,
    ...recording,
    async [Symbol.asyncDispose]() {
      await recording[Symbol.asyncDispose]();
      await collector[Symbol.asyncDispose]();
    },
  };
}

const called = (spans: readonly CollectedSpan[], kind: number): CollectedSpan[] =>
  spans.filter((span) => span.kind === kind);
const [internal, server, client, consumer] = [1, 2, 3, 5] as const;

test('sends valid spans of a streamed exchange that failed over: one for the exchange, one per attempt', async () => {
  await using gateway = await start();
  gateway.upstream.reply(
    { status: 503, json: { error: { message: 'overloaded' } } },
    { events: chunks, chunkDelayMs: 5 },
  );
  const body = { ...chat, stream: true, temperature: 0.5, max_tokens: 40 };
  const response = await gateway.post('/chat/completions', body, { 'x-failover': 'backup/gpt-4o' });
  await response.text();
  const spans = await gateway.collector.trace(3);
  const [exchange] = called(spans, server);
  assert.equal(exchange!.name, 'chat openai/gpt-4o');
  assert.equal(exchange!.parentSpanId ?? '', '');
  const facts = attributesOf(exchange!);
  assert.equal(facts['gen_ai.operation.name'], 'chat');
  assert.equal(facts['gen_ai.request.temperature'], 0.5);
  assert.equal(facts['gen_ai.request.max_tokens'], 40);
  assert.equal(facts['gen_ai.usage.input_tokens'], 1_000);
  assert.equal(facts['gen_ai.usage.output_tokens'], 100);
  assert.deepEqual(facts['gen_ai.response.finish_reasons'], ['stop']);
  assert.equal(facts['http.response.status_code'], 200);
  assert.equal(facts['bifrost.request.id'], response.headers.get('x-request-id'));
  assert.ok((facts['bifrost.cost.usd'] as number) > 0);
  assert.ok(exchange!.events.some(({ name }) => name === 'attempt failed'));

  const [failed, served] = called(spans, client);
  assert.deepEqual([failed!.parentSpanId, served!.parentSpanId], [exchange!.spanId, exchange!.spanId]);
  assert.equal(failed!.status.code, 2);
  assert.equal(attributesOf(failed!)['error.type'], '503');
  assert.equal(attributesOf(failed!)['server.address'], '127.0.0.1');
  assert.equal(attributesOf(served!)['gen_ai.provider.name'], 'openai');
  assert.equal(attributesOf(served!)['bifrost.key.name'], 'backup');
  assert.deepEqual(
    served!.events.map(({ name }) => name),
    ['first content'],
  );
  assert.equal(gateway.collector.service, 'bifrost-kernel');
  const text = JSON.stringify(spans);
  assert.ok(!text.includes('sk-') && !text.includes('"hi"'), 'no credential and no content');
});

test('continues the trace of the caller and hands its own span to the provider', async () => {
  await using gateway = await start();
  gateway.upstream.reply({ json: completion });
  await gateway.post('/chat/completions', chat, { traceparent: parent, tracestate: 'vendor=1' });
  const [exchange] = called(await gateway.collector.trace(2), server);
  assert.equal(exchange!.traceId, '0af7651916cd43dd8448eb211c80319c');
  assert.equal(exchange!.parentSpanId, 'b7ad6b7169203331');
  const { headers } = gateway.upstream.requests[0]!;
  assert.equal(headers['traceparent'], `00-${exchange!.traceId}-${exchange!.spanId}-01`);
  assert.equal(headers['tracestate'], 'vendor=1');
});

test('gives each run of a plugin a span, below the attempt that it served', async () => {
  await using gateway = await start({ hooks: true });
  gateway.upstream.reply({ json: completion });
  await gateway.post('/chat/completions', chat);
  const spans = await gateway.collector.trace(4);
  const [exchange, attempt] = [called(spans, server)[0]!, called(spans, client)[0]!];
  const hooks = new Map(called(spans, internal).map((span) => [span.name, span]));
  assert.equal(hooks.get('selectKey plugins/key-pool')?.parentSpanId, attempt.spanId);
  assert.equal(hooks.get('preRoute refuser')?.parentSpanId, exchange.spanId);
  assert.deepEqual(attributesOf(hooks.get('preRoute refuser')!), {
    'bifrost.plugin': 'refuser',
    'bifrost.hook': 'preRoute',
  });
});

test('makes no span for an exchange that the caller chose not to trace, but passes the choice on', async () => {
  await using gateway = await start();
  gateway.upstream.always({ json: completion });
  await gateway.post('/chat/completions', chat, { traceparent: parent.replace(/01$/, '00') });
  await gateway.post('/chat/completions', chat);
  const spans = await gateway.collector.trace(2);
  assert.equal(spans.length, 2);
  assert.match(
    String(gateway.upstream.requests[0]!.headers['traceparent']),
    /^00-0af7651916cd43dd8448eb211c80319c-[\da-f]{16}-00$/,
  );
});

test('traces what a plugin refuses', async () => {
  await using gateway = await start();
  assert.equal((await gateway.post('/chat/completions', chat, { 'x-refuse': '1' })).status, 403);
  const [exchange] = await gateway.collector.trace(1);
  assert.equal(attributesOf(exchange!)['http.response.status_code'], 403);
});

test('puts the run of a job below a span from its submission to its end', async () => {
  await using gateway = await start({}, { 'plugins/async-jobs': {} });
  gateway.upstream.always({ json: completion });
  const submitted = await gateway.post('/chat/completions', chat, { 'x-bf-async': 'true' });
  assert.equal(submitted.status, 200);
  const spans = await gateway.collector.trace(4);
  const job = called(spans, consumer)[0]!;
  const run = called(spans, server).find(({ parentSpanId }) => parentSpanId === job.spanId);
  const submission = called(spans, server).find((span) => span !== run);
  assert.equal(job.parentSpanId, submission?.spanId);
  assert.equal(job.name, 'job chat');
  assert.ok(run !== undefined && BigInt(job.startTimeUnixNano) <= BigInt(run.startTimeUnixNano));
  assert.equal(attributesOf(job)['bifrost.job.attempt'], 1);
});

test('shows on the span of a job that its run failed, and no state that it had before its end', async () => {
  await using gateway = await start({}, { 'plugins/async-jobs': {} });
  gateway.upstream.always({ status: 400, json: { error: { message: 'no' } } });
  await gateway.post('/chat/completions', chat, { 'x-bf-async': 'true' });
  const [job] = called(await gateway.collector.trace(4), consumer);
  assert.deepEqual([job!.status.code, job!.status.message], [2, 'UP_STATUS']);
  assert.equal(attributesOf(job!)['bifrost.job.state'], undefined);
});

test('serves as before while the collector is down, and says so in the log', async () => {
  await using gateway = await start({ url: 'http://127.0.0.1:9' });
  gateway.upstream.always({ json: completion });
  for (let i = 0; i < 3; i++) assert.equal((await gateway.post('/chat/completions', chat)).status, 200);
  const complaints = () => gateway.gateway.logs.filter(({ message }) => message === 'the collector did not take spans');
  for (let tries = 0; tries < 800 && complaints().length === 0; tries++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(complaints().length > 0);
});

test('ignores a traceparent that the standard says to ignore', () => {
  const cases: [string | undefined, boolean][] = [
    [undefined, false],
    ['', false],
    [parent, true],
    [` ${parent} `, true],
    [parent.replace(/^00/, 'ff'), false],
    [parent.replace(/^00/, '01').concat('-later'), true],
    [`${parent}-later`, false],
    [parent.replace(/-b7.*-/, '-0000000000000000-'), false],
    [parent.toUpperCase(), false],
  ];
  for (const [header, good] of cases) assert.equal(readTraceParent(header) !== undefined, good, String(header));
});
