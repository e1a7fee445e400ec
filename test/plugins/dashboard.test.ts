import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGateway } from '../../plugin-sdk/testing/index.ts';
import { launchBrowser, skipWithoutBrowser } from './browser.ts';
import { chat, chunks, completion, startRecording } from './record-gateway.ts';
import { checkPage } from './well-formed.ts';

const pages = [
  '/ui',
  '/ui?last=24h&by=caller',
  '/ui/requests',
  '/ui/requests?q=gpt&filter=1',
  '/ui/providers',
  '/ui/virtual-keys',
  '/ui/jobs',
  '/ui/plugins',
  '/ui/config',
];
const loaded = {
  'plugins/dashboard': {},
  'plugins/governance': {
    virtualKeys: [
      {
        id: 'site',
        value: 'sk-bf-very-secret',
        budgets: [{ limit: 5, period: '1d' }],
        rateLimits: [{ requests: 100, period: '1m' }],
      },
    ],
    teams: [{ id: 'growth', name: 'Growth', budgets: [{ limit: 50, period: '1M' }] }],
  },
  'plugins/async-jobs': {},
  failover: {},
};

type Recording = Awaited<ReturnType<typeof startRecording>>;
const start = (options: Record<string, unknown> = {}): Promise<Recording> =>
  startRecording(options, { plugins: loaded } as never);

async function signIn(
  gateway: { url: string; adminToken: string },
  token = gateway.adminToken,
  headers: Record<string, string> = { 'sec-fetch-site': 'same-origin' },
) {
  const body = new URLSearchParams({ token });
  return fetch(`${gateway.url}/ui/sign-in`, { method: 'POST', body, headers, redirect: 'manual' });
}

async function show(
  { gateway }: Pick<Recording, 'gateway'>,
  path: string,
  cookie = `bifrost_admin=${gateway.adminToken}`,
) {
  const response = await fetch(`${gateway.url}${path}`, { headers: { cookie }, redirect: 'manual' });
  return { response, text: await response.text() };
}

test('sends a browser without a session to the sign-in page', async () => {
  await using recording = await start();
  for (const path of [...pages, '/ui/requests/req_1']) {
    const { response } = await show(recording, path, '');
    assert.deepEqual([response.status, response.headers.get('location')], [303, '/ui/sign-in'], path);
  }
  const { response, text } = await show(recording, '/ui/sign-in', '');
  assert.equal(response.status, 200);
  checkPage(text);
});

test('trades the admin token for a cookie that scripts cannot read and other sites cannot send', async () => {
  await using recording = await start();
  const { gateway } = recording;
  const response = await signIn(gateway);
  assert.equal(response.status, 303);
  const [cookie] = response.headers.getSetCookie();
  assert.equal(cookie, `bifrost_admin=${gateway.adminToken}; Path=/; HttpOnly; SameSite=Strict`);
  assert.equal((await show(recording, '/ui', cookie!.split(';')[0]!)).response.status, 200);
  const wrong = await signIn(gateway, 'wrong');
  assert.deepEqual([wrong.status, wrong.headers.getSetCookie()], [401, []]);
  assert.match(await wrong.text(), /role="alert">This token is not known/);
  const out = await fetch(`${gateway.url}/ui/sign-out`, {
    method: 'POST',
    headers: { 'sec-fetch-site': 'same-origin' },
    redirect: 'manual',
  });
  assert.match(out.headers.getSetCookie()[0]!, /^bifrost_admin=; Max-Age=0; Path=\/; HttpOnly/);
});

test('refuses what another site sends with the cookie of a signed-in browser', async () => {
  await using recording = await start();
  const { gateway } = recording;
  for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }, {}]) {
    assert.equal((await signIn(gateway, gateway.adminToken, headers as Record<string, string>)).status, 403);
    const wake = `${gateway.url}/api/keys/openai/main/wake`;
    const cookie = `bifrost_admin=${gateway.adminToken}`;
    assert.equal(
      (await fetch(wake, { method: 'POST', headers: { cookie, ...headers } as Record<string, string> })).status,
      401,
    );
  }
  const own = { 'sec-fetch-site': 'same-origin', cookie: `bifrost_admin=${gateway.adminToken}` };
  assert.notEqual(
    (await fetch(`${gateway.url}/api/keys/openai/main/wake`, { method: 'POST', headers: own })).status,
    401,
  );
});

test('stops to look at tokens after many wrong ones', async () => {
  await using recording = await start();
  for (let i = 0; i < 20; i++) assert.equal((await signIn(recording.gateway, `wrong-${i}`)).status, 401);
  assert.equal((await signIn(recording.gateway)).status, 429);
});

test('makes pages that are well-formed, escape what callers choose, show no secret and run nothing inline', async () => {
  await using recording = await start({ content: { default: true } });
  recording.upstream.reply({
    json: {
      ...completion,
      choices: [
        { index: 0, message: { role: 'assistant', content: '<script>evil()</script>' }, finish_reason: 'stop' },
      ],
    },
  });
  recording.upstream.always({ status: 404, json: { error: { message: 'no' } } });
  const headers = { 'x-bf-vk': 'sk-bf-very-secret', 'x-bf-lh-note': '<b onclick="evil()">' };
  await recording.post('/chat/completions', chat, headers);
  await recording.post('/chat/completions', { ...chat, model: 'openai/"><script>evil()</script>' }, headers);
  const records = await recording.records(2);
  const paths = [
    ...pages,
    ...records.map(({ id }) => `/ui/requests/${id}`),
    `/ui/requests?model=${encodeURIComponent('"><script>evil()</script>')}&filter=1`,
  ];
  for (const path of paths) {
    const { response, text } = await show(recording, path);
    assert.equal(response.status, 200, path);
    checkPage(text);
    assert.ok(!/<script>|evil\(\)">/.test(text), path);
    for (const secret of ['sk-upstream', 'sk-backup-secret', 'sk-bf-very-secret', recording.gateway.adminToken]) {
      assert.ok(!text.includes(secret), `${secret} in ${path}`);
    }
    assert.match(
      response.headers.get('content-security-policy')!,
      /default-src 'none'; script-src 'self'; style-src 'self'/,
    );
    assert.doesNotMatch(text, /https?:\/\/(?!127\.0\.0\.1)/);
  }
});

test('says which plugin a section needs, and how to load it', async () => {
  await using gateway = await startGateway({ plugins: { 'plugins/dashboard': {} } });
  const needs = {
    '/ui': 'records',
    '/ui/requests': 'records',
    '/ui/requests/x': 'records',
    '/ui/virtual-keys': 'governance',
    '/ui/jobs': 'async-jobs',
  };
  for (const [path, plugin] of Object.entries(needs)) {
    const { text } = await show({ gateway }, path);
    checkPage(text);
    assert.ok(text.includes(`"plugins/${plugin}": {}`), `${path} names ${plugin}`);
  }
  for (const path of ['/ui/providers', '/ui/plugins', '/ui/config'])
    assert.equal((await show({ gateway }, path)).response.status, 200);
});

test('lists jobs with what they asked and how they stand, and cancels one for an operator who may', async () => {
  await using recording = await start();
  const { gateway, upstream } = recording;
  upstream.reply({ json: completion });
  const submit = async () => {
    const reply = await recording.post('/chat/completions', chat, {
      'x-bf-async': 'true',
      'x-bf-vk': 'sk-bf-very-secret',
    });
    return ((await reply.json()) as { id: string }).id;
  };
  const done = await submit();
  await recording.records(2);
  upstream.reply({ fault: 'silent' });
  const hanging = await submit();
  while (upstream.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  const rowOf = async (id: string) => {
    const { text } = await show(recording, '/ui/jobs');
    checkPage(text);
    return new RegExp(`<tr>(?:(?!</tr>)[\\s\\S])*${id}[\\s\\S]*?</tr>`).exec(text)?.[0] ?? '';
  };
  assert.match(await rowOf(done), /completed[\s\S]*gpt-4o[\s\S]*site/);
  assert.ok((await rowOf(done)).includes(`/ui/requests?q=${done}`));
  assert.ok(!(await rowOf(done)).includes('/cancel'), 'what has ended cannot be cancelled');
  assert.match(await rowOf(hanging), /running[\s\S]*\/cancel/);
  const runs = await show(recording, `/ui/requests?q=${done}`);
  assert.equal(runs.text.match(/<tr>/g)?.length, 2, 'a head and its one run');
  const cancel = (headers: Record<string, string>) =>
    fetch(`${gateway.url}/ui/jobs/${hanging}/cancel`, {
      method: 'POST',
      headers: { cookie: `bifrost_admin=${gateway.adminToken}`, ...headers },
      redirect: 'manual',
    });
  assert.equal((await cancel({ 'sec-fetch-site': 'cross-site' })).status, 401);
  assert.equal((await cancel({ 'sec-fetch-site': 'same-origin' })).headers.get('location'), '/ui/jobs');
  assert.match(await rowOf(hanging), /cancelled/);
});

test('shows a request as the plugins that ran, its attempts and the decisions behind them', async () => {
  await using recording = await start();
  recording.upstream.reply(
    { status: 503, json: { error: { message: 'overloaded' } } },
    { events: chunks, chunkDelayMs: 10 },
  );
  await (
    await recording.post('/chat/completions', { ...chat, stream: true }, { 'x-failover': 'backup/gpt-4o' })
  ).text();
  const [record] = await recording.records(1);
  const { text } = await show(recording, `/ui/requests/${record!.id}`);
  const words = text.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');
  for (const part of [
    'Attempt 1 openai/gpt-4o failed',
    'Attempt 2 backup/gpt-4o',
    'Stream of attempt 2',
    'plugins/key-pool selectKey',
    'refuser preRoute',
    'attempt failed by kernel',
    'UP_STATUS',
  ]) {
    assert.ok(words.includes(part), part);
  }
  assert.equal((await show(recording, '/ui/requests/req_unknown')).response.status, 404);
  for (const view of ['last=2m', 'last=constructor', 'by=colour'])
    assert.equal((await show(recording, `/ui?${view}`)).response.status, 400, view);
});

test('keeps what plugins took for the last requests only, and for few when many come', async () => {
  const { Timelines } = await import('../../plugins/dashboard/timelines.ts');
  const timelines = new Timelines(2);
  let asked = 0;
  const exchange = (id: string, time: number) => ({ id, time, keepTimeline: () => asked++ }) as never;
  for (let i = 0; i < 80; i++) timelines.ask(exchange(`${i}`, 1_000));
  assert.equal(asked, 50);
  timelines.ask(exchange('later', 2_000));
  assert.equal(asked, 51);
  for (const id of ['a', 'b', 'c']) timelines.keep(exchange(id, 0), { timeline: [] } as never);
  assert.deepEqual(
    ['a', 'b', 'c'].map((id) => timelines.of(id)),
    [undefined, [], []],
  );
});

test('an operator signs in, watches a request arrive, opens it, filters, reads a plot, sees a key cool down and signs out', {
  skip: skipWithoutBrowser,
}, async () => {
  await using recording = await start();
  await using browser = await launchBrowser(recording.gateway.url);
  const { page, problems } = browser;
  recording.upstream.always({ json: completion, delayMs: 5 });
  // The plot adds up by the minute, and is looked at below: what happens here must not lie on both sides of a full one.
  const leftOfMinuteMs = 60_000 - (Date.now() % 60_000);
  if (leftOfMinuteMs < 12_000) await sleep(leftOfMinuteMs);

  await page.goto('/ui');
  assert.equal(new URL(page.url()).pathname, '/ui/sign-in');
  await page.getByLabel('Admin token').fill(recording.gateway.adminToken);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();

  await page.getByRole('link', { name: 'Requests', exact: true }).click();
  await page.getByText('No request matches.').waitFor();
  await recording.post('/chat/completions', chat);
  const row = page.getByRole('row', { name: /200 openai\/gpt-4o/ });
  await row.waitFor({ timeout: 5_000 });
  await page.getByRole('status').filter({ hasText: '1 new request' }).waitFor();

  await row.getByRole('link').click();
  await page.getByRole('heading', { name: 'Timeline' }).waitFor();
  assert.ok(await page.getByRole('row', { name: /Attempt 1 openai\/gpt-4o/ }).isVisible());

  recording.upstream.always({
    status: 429,
    headers: { 'retry-after': '60' },
    json: { error: { message: 'slow down' } },
  });
  await recording.post('/chat/completions', chat);
  await recording.records(2);
  await page.getByRole('link', { name: 'Requests', exact: true }).click();
  await page.getByRole('row', { name: /429/ }).waitFor();
  await page.getByLabel('Outcome').selectOption('served');
  await page.getByRole('row', { name: /429/ }).waitFor({ state: 'detached' });
  assert.match(page.url(), /outcome=served/);
  assert.equal(await page.getByRole('row', { name: /openai\/gpt-4o/ }).count(), 1);

  await page.getByRole('link', { name: 'Overview' }).click();
  const plot = page.getByRole('slider', { name: 'Requests, moment by moment' });
  await plot.focus();
  await page.keyboard.press('Home');
  assert.match((await plot.getAttribute('aria-valuetext'))!, /^\d\d:\d\d · Served – · Failed –$/);
  await page.keyboard.press('End');
  assert.match((await plot.getAttribute('aria-valuetext'))!, /^\d\d:\d\d · Served 1 · Failed 1$/);

  await page.getByRole('link', { name: 'Providers and keys' }).click();
  await page.getByText('cooling down').first().waitFor();
  assert.match(
    (await page.getByRole('row', { name: /^main/ }).first().textContent())!,
    /cooling down.*429: rate limit/,
  );

  await page.getByRole('button', { name: 'Theme: system' }).click();
  await page.getByRole('button', { name: 'Theme: light' }).click();
  await page.reload();
  assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark');

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Admin token').waitFor();
  await page.goto('/ui/requests');
  assert.equal(new URL(page.url()).pathname, '/ui/sign-in');
  assert.deepEqual(problems, []);
});

test('every page passes the accessibility check in light and in dark', { skip: skipWithoutBrowser }, async () => {
  await using recording = await start({ content: { default: true } });
  recording.upstream.reply(
    { status: 503, json: { error: { message: 'overloaded' } } },
    { events: chunks },
    { status: 401, json: { error: { message: 'no' } } },
  );
  await (
    await recording.post(
      '/chat/completions',
      { ...chat, stream: true },
      { 'x-failover': 'backup/gpt-4o', 'x-bf-vk': 'sk-bf-very-secret' },
    )
  ).text();
  await recording.post('/chat/completions', chat);
  const [record] = await recording.records(2);
  recording.upstream.always({ fault: 'silent' });
  await recording.post('/chat/completions', chat, { 'x-bf-async': 'true', 'x-bf-vk': 'sk-bf-very-secret' });
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  for (const colorScheme of ['light', 'dark'] as const) {
    await using browser = await launchBrowser(recording.gateway.url, { colorScheme });
    const { page, problems } = browser;
    const check = async (path: string): Promise<void> => {
      await page.goto(path);
      await page.evaluate(axe);
      const violations = (await page.evaluate(
        'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]))',
      )) as string[][];
      assert.deepEqual(violations, [], `${path} in ${colorScheme}`);
    };
    await check('/ui/sign-in');
    await page.getByLabel('Admin token').fill(recording.gateway.adminToken);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    for (const path of [...pages, `/ui/requests/${record!.id}`]) await check(path);
    assert.deepEqual(problems, []);
  }
});
