import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../../plugin-sdk/testing/index.ts';

const red = { id: 'red', rateLimits: [{ requests: 1, period: '1h' }] };
const acme = { id: 'acme', rateLimits: [{ requests: 1, period: '1h' }] };
const withOwners = (owners: object) => ({
  'routes/openai': {},
  'providers/mock': {},
  'plugins/admin-api': {},
  'plugins/governance': { required: true, ...owners },
});

for (const [what, owner, before, after] of [
  ['team', { team: 'red' }, { teams: [red] }, {}],
  ['customer', { customer: 'acme' }, { customers: [acme] }, {}],
  [
    'customer',
    { team: 'red' },
    { teams: [{ id: 'red', customer: 'acme' }], customers: [acme] },
    { teams: [{ id: 'red' }] },
  ],
] as const) {
  const isOfTeam = 'team' in owner && what === 'customer';
  test(`a virtual key whose ${isOfTeam ? "team's customer" : what} left the config ${isOfTeam ? 'counts for the team alone' : 'is refused, not served without its limits'}`, async () => {
    await using gateway = await startGateway({ plugins: withOwners(before) as never });
    const made = await fetch(`${gateway.url}/api/virtual-keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Late', ...owner }),
    });
    const { value } = (await made.json()) as { value: string };
    const call = async () => {
      const response = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-bf-vk': value },
        body: JSON.stringify({ model: 'mock/echo', messages: [{ role: 'user', content: 'Hi' }] }),
      });
      const json = (await response.json()) as { error?: { message: string } };
      return { status: response.status, message: json.error?.message };
    };
    assert.equal((await call()).status, 200);
    assert.equal((await call()).status, 429);
    await gateway.reload({ plugins: withOwners(after) as never });
    if (isOfTeam) {
      assert.equal((await call()).status, 200);
      return;
    }
    const refused = await call();
    assert.equal(refused.status, 403);
    assert.match(
      refused.message!,
      new RegExp(`^The ${what} ${Object.values(owner)[0]}, which pays for this caller, does not exist`),
    );
    await call();
    const told = gateway.logs.filter(({ message }) => message?.includes('owner does not exist'));
    assert.equal(told.length, 1);
    await gateway.reload({ plugins: withOwners(before) as never });
    assert.equal((await call()).status, 429);
  });
}
