import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readForm } from '../../plugin-sdk/index.ts';

/** A form as a web client writes it. */
async function written(entries: readonly (readonly [name: string, value: string | File])[]): Promise<[Buffer, string]> {
  const form = new FormData();
  for (const [name, value] of entries) form.append(name, value as string);
  const response = new Response(form);
  return [Buffer.from(await response.arrayBuffer()), response.headers.get('content-type')!];
}

test('reads fields and files of a form in any order', async () => {
  const bytes = new Uint8Array([13, 10, 45, 45, 0, 255]);
  const file = new File([bytes], 'a "b".wav', { type: 'audio/wav' });
  const { fields, files } = readForm(
    ...(await written([
      ['file', file],
      ['model', 'gemini/x'],
      ['prompt', 'line 1\r\nline 2'],
    ])),
  );
  assert.deepEqual(fields, { model: 'gemini/x', prompt: 'line 1\r\nline 2' });
  assert.equal(files.length, 1);
  assert.deepEqual([files[0]!.field, files[0]!.contentType, [...files[0]!.bytes]], ['file', 'audio/wav', [...bytes]]);
});

test('gathers repeated and bracketed fields under their bare name', async () => {
  const image = new File(['x'], 'x.png', { type: 'image/png' });
  const form = await written([
    ['include[]', 'a'],
    ['n', '1'],
    ['n', '2'],
    ['image[]', image],
    ['image[]', image],
  ]);
  const { fields, files } = readForm(...form);
  assert.deepEqual(fields, { include: ['a'], n: ['1', '2'] });
  assert.deepEqual(
    files.map(({ field }) => field),
    ['image', 'image'],
  );
});

test('leaves out a part that the body breaks off in, and reads no form in other types', async () => {
  const [body, type] = await written([
    ['a', '1'],
    ['b', '2'],
  ]);
  assert.deepEqual(readForm(body.subarray(0, body.length - 60), type).fields, { a: '1' });
  assert.deepEqual(readForm(body, 'application/json'), { fields: {}, files: [] });
  assert.deepEqual(readForm(Buffer.from('nothing'), type), { fields: {}, files: [] });
});
