import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, startUpstream } from '../../plugin-sdk/testing/index.ts';
import { Circuit } from '../../plugins/circuit-breaker/circuit.ts';
import { chat, failed, keyOf, keys, said, startPooled } from './pooled-gateway.ts';

const options = { failureShare: 0.5, minimumCalls: 10, windowMs: 1_000, openMs: 100, maxOpenMs: 350 };

function report(circuit: Circuit, good: boolean, count: number, now: number): void {
  for (let i = 0; i < count; i++) if (circuit.admit(now) === 'pass') circuit.report(good, now, 'pass');
}

test('opens at the share of failures, and not before the minimum of calls', () => {
  const circuit = new Circuit(options);
  report(circuit, true, 5, 10_000);
  report(circuit, false, 4, 10_000);
  assert.equal(circuit.admit(10_000), 'pass');
  report(circuit, false, 1, 10_000);
  assert.equal(circuit.admit(10_000), 'refuse');
});

test('forgets calls that are older than the window', () => {
  const circuit = new Circuit(options);
  report(circuit, false, 9, 10_000);
  report(circuit, true, 1, 11_500);
  report(circuit, false, 1, 11_500);
  assert.equal(circuit.admit(11_500), 'pass');
});

test('lets one probe through when its time is over; its success closes, its failure doubles the time', () => {
  const circuit = new Circuit(options);
  report(circuit, false, 10, 0);
  assert.equal(circuit.admit(99), 'refuse');
  assert.equal(circuit.admit(100), 'probe');
  assert.equal(circuit.admit(100), 'refuse');
  circuit.report(false, 100, 'probe');
  assert.equal(circuit.admit(299), 'refuse');
  assert.equal(circuit.admit(300), 'probe');
  circuit.report(false, 300, 'probe');
  assert.equal(circuit.openUntil, 650, 'bounded by maxOpenMs');
  assert.equal(circuit.admit(650), 'probe');
  circuit.report(undefined, 650, 'probe');
  assert.equal(circuit.admit(650), 'probe', 'a probe whose client left is no answer');
  circuit.report(true, 650, 'probe');
  assert.equal(circuit.admit(650), 'pass');
});

test('a target that keeps failing is left alone and its fallback serves, until a probe succeeds', async () => {
  const clock = new FakeClock();
  await using first = await startUpstream();
  await using second = await startUpstream();
  first.always(failed(503));
  second.always(said());
  await using gateway = await startPooled(
    { openai: first, second },
    { 'plugins/circuit-breaker': { minimumCalls: 5, openMs: 1_000 }, 'plugins/fallbacks': {} },
    { clock },
  );
  const ask = () => chat(gateway, { fallbacks: ['second/m'] });
  for (let i = 0; i < 20; i++) assert.equal((await ask()).status, 200);
  assert.equal(first.requests.length, 5);
  assert.match((await ask()).headers.get('x-bf-attempts')!, /openai\/gpt-4o: ROUTE_CIRCUIT_OPEN/);
  assert.equal((await chat(gateway)).json.error.code, 'circuit_open');
  assert.equal((await chat(gateway, { model: 'other-model' })).status, 503, 'another model of the provider is asked');
  assert.equal(first.requests.length, 6);
  clock.advance(1_000);
  await Promise.all(Array.from({ length: 5 }, ask));
  assert.equal(first.requests.length, 7, 'one probe');
  first.always(said());
  clock.advance(2_000);
  await ask();
  for (let i = 0; i < 3; i++) assert.equal((await ask()).headers.get('x-bf-provider'), 'openai');
});

test('a clock that is set back does not prolong the rest of a target', async () => {
  const clock = new FakeClock();
  let behind = 0;
  const set = { monotonic: () => clock.now(), now: () => clock.now() - behind, after: clock.after.bind(clock) };
  await using upstream = await startUpstream();
  upstream.always(failed(503));
  await using gateway = await startPooled(
    { openai: upstream },
    { 'plugins/circuit-breaker': { minimumCalls: 3, openMs: 1_000 } },
    { clock: set },
  );
  for (let i = 0; i < 3; i++) await chat(gateway);
  assert.equal((await chat(gateway)).json.error.code, 'circuit_open');
  behind = 3_600_000;
  clock.advance(1_000);
  upstream.always(said());
  assert.equal((await chat(gateway)).status, 200);
});

test('metrics, the keys API and the dashboard show a circuit while it is open and half-open, and no longer', async () => {
  const clock = new FakeClock();
  await using upstream = await startUpstream();
  upstream.always(failed(503));
  await using gateway = await startPooled(
    { openai: upstream },
    {
      'plugins/circuit-breaker': { minimumCalls: 3, openMs: 10_000 },
      'plugins/metrics': {},
      'plugins/dashboard': {},
    },
    { clock },
  );
  const get = async (path: string): Promise<string> => {
    const headers = { authorization: `Bearer ${gateway.adminToken}` };
    return (await fetch(`${gateway.url}${path}`, { headers })).text();
  };
  const seen = async () => {
    const { circuits } = JSON.parse(await get('/api/keys')) as { circuits: object[] };
    assert.deepEqual((JSON.parse(await get('/api/gateway')) as { circuits: object[] }).circuits, circuits);
    const metric = /bifrost_circuits\{provider="openai",model="gpt-4o",state="([a-z-]+)"\} 1/.exec(
      await get('/metrics'),
    );
    const page = /class="circuits[\s\S]*?gpt-4o[\s\S]*?<\/ul>/.exec(await get('/ui/providers'));
    return { circuits, metric: metric?.[1], onPage: page !== null };
  };
  assert.deepEqual(await seen(), { circuits: [], metric: undefined, onPage: false });
  for (let i = 0; i < 5; i++) await chat(gateway);
  const circuit = { provider: 'openai', model: 'gpt-4o', until: new Date(clock.now() + 10_000).toISOString() };
  assert.deepEqual(await seen(), { circuits: [{ ...circuit, state: 'open' }], metric: 'open', onPage: true });
  assert.match(await get('/metrics'), /bifrost_circuit_openings_total\{provider="openai"\} 1/);
  clock.advance(10_000);
  assert.deepEqual(await seen(), { circuits: [{ ...circuit, state: 'half-open' }], metric: 'half-open', onPage: true });
  upstream.always(said());
  await chat(gateway);
  assert.deepEqual(await seen(), { circuits: [], metric: undefined, onPage: false });
});

test("a caller's own mistakes and refused keys open nothing", async () => {
  await using upstream = await startUpstream();
  upstream.always(failed(400));
  await using gateway = await startPooled({ openai: upstream }, { 'plugins/circuit-breaker': { minimumCalls: 3 } });
  for (let i = 0; i < 10; i++) assert.equal((await chat(gateway)).status, 400);
});

test('a probe that finds no key does not keep the circuit half-open for ever', async () => {
  const clock = new FakeClock();
  await using upstream = await startUpstream();
  upstream.always((request) =>
    keyOf(request) === 'a' && (request.json as { model: string }).model === 'm'
      ? failed(500)
      : failed(429, { 'retry-after': '5' }),
  );
  await using gateway = await startPooled(
    { openai: { upstream, options: keys({ a: 1 }) } },
    { 'plugins/circuit-breaker': { minimumCalls: 2, openMs: 100, keyFailures: 0 } },
    { clock },
  );
  await chat(gateway, { model: 'm' });
  await chat(gateway, { model: 'm' });
  upstream.always(failed(429, { 'retry-after': '5' }));
  clock.advance(100);
  assert.equal((await chat(gateway, { model: 'm' })).status, 429);
  assert.equal((await chat(gateway, { model: 'm' })).json.error.code, 'no_key');
  upstream.always(said());
  clock.advance(5_000);
  assert.equal((await chat(gateway, { model: 'm' })).status, 200);
});

test('a key that keeps failing rests while the others of its provider work', async () => {
  await using upstream = await startUpstream();
  upstream.always((request) => (keyOf(request) === 'broken' ? failed(500) : said()));
  await using gateway = await startPooled(
    { openai: { upstream, options: keys({ broken: 1, good: 3 }) } },
    {
      'plugins/circuit-breaker': { keyFailures: 3, failureShare: 1 },
      // Keys are chosen at random, and the broken one rests only once the other has worked: that may take a few tries.
      'plugins/retries': { initialMs: 0, maxMs: 0, retries: 10, budget: 1 },
    },
  );
  for (let i = 0; i < 60; i++) assert.equal((await chat(gateway)).status, 200);
  const broken = upstream.requests.filter((request) => keyOf(request) === 'broken').length;
  assert.ok(broken >= 3 && broken <= 8, String(broken));
});
