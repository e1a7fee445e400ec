import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readForm } from '../../plugin-sdk/index.ts';

function formOf(...fields: [string, string][]): Buffer {
  const parts = fields.map(
    ([name, value]) => `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return Buffer.from(`${parts.join('')}--b--\r\n`);
}

test('fields of a form may have the names of what every object has', () => {
  const { fields } = readForm(
    formOf(['constructor', 'a'], ['__proto__', 'b'], ['toString[]', 'c'], ['x', '1'], ['x', '2']),
    'multipart/form-data; boundary=b',
  );
  assert.deepEqual(Object.entries(fields), [
    ['constructor', 'a'],
    ['__proto__', 'b'],
    ['toString', ['c']],
    ['x', ['1', '2']],
  ]);
  assert.equal(Object.getPrototypeOf(fields), Object.prototype);
});
