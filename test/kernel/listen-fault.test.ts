import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listenFault } from '../../kernel/cli/listen-fault.ts';
import { isGatewayError } from '../../plugin-sdk/index.ts';

const failure = (code: string): Error => Object.assign(new Error('raw'), { code });

for (const code of ['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL', 'EAFNOSUPPORT']) {
  test(`what the system says with ${code} becomes a problem with a way out`, () => {
    const problem = listenFault(failure(code), { host: 'here', port: 80 });
    assert.ok(isGatewayError(problem));
    assert.equal(problem.code, 'CFG_INVALID');
    assert.match(
      problem.text,
      /^Cannot listen on here:80: \w[^.]+\. Choose another with --port or --host \(server\.port, server\.host in the config\)\.$/,
    );
  });
}

test('any other failure to listen stays what it is', () => {
  const cause = failure('EMFILE');
  assert.equal(listenFault(cause, { host: 'here', port: 80 }), cause);
});
