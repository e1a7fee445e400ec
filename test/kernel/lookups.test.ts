import assert from 'node:assert/strict';
import dns, { type LookupAddress } from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { type TestContext, test } from 'node:test';
import { Connections } from '../../kernel/upstream/connections.ts';
import { send } from '../../kernel/upstream/send.ts';
import { isGatewayError } from '../../plugin-sdk/index.ts';
import { jsonAnswer, rawUpstream } from './raw-upstream.ts';

type Answer = (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void;

/** Questions for addresses, by host, to be answered by the test. */
function heldQuestions(t: TestContext): { readonly host: string; readonly answer: Answer }[] {
  const questions: { host: string; answer: Answer }[] = [];
  const { lookup } = dns;
  Object.assign(dns, { lookup: (host: string, _options: object, answer: Answer) => questions.push({ host, answer }) });
  syncBuiltinESMExports();
  t.after(() => {
    Object.assign(dns, { lookup });
    syncBuiltinESMExports();
  });
  return questions;
}

for (const privateAddresses of [true, false]) {
  const whose = privateAddresses ? 'of a configured provider' : 'that a caller names';
  test(`of a name ${whose} the system is asked once at a time, however many calls wait for it`, async (t) => {
    await using upstream = await rawUpstream(({ socket }) => socket.write(jsonAnswer({})));
    const questions = heldQuestions(t);
    const connections = new Connections();
    t.after(() => connections.close());
    const call = (host: string, port = 80): Promise<unknown> =>
      send(
        {
          provider: 'p',
          origin: `http://${host}:${port}`,
          method: 'GET',
          path: '/',
          headers: [],
          body: undefined,
          privateAddresses,
        },
        connections,
        5_000,
      ).then(
        ({ status }) => status,
        (error) => isGatewayError(error) && error.code,
      );
    const calls = Array.from({ length: 20 }, () => call('nobody.test'));
    const other = call('other.test', Number(new URL(upstream.url).port));
    assert.deepEqual(
      questions.map(({ host }) => host),
      ['nobody.test', 'other.test'],
    );
    questions[1]!.answer(null, [{ address: '127.0.0.1', family: 4 }]);
    assert.equal(await other, privateAddresses ? 200 : 'GUARD_HOST');
    questions[0]!.answer(Object.assign(new Error('queryA ETIMEOUT'), { code: 'ETIMEOUT' }), []);
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(['UP_CONNECT']));
    const later = call('nobody.test');
    assert.equal(questions.length, 3, 'a failure is not remembered');
    questions[2]!.answer(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }), []);
    assert.equal(await later, 'UP_CONNECT');
  });
}
