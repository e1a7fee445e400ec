import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readMultipartField } from '../../plugin-sdk/json-bytes/index.ts';
import { at } from './json-text.ts';

describe('reading multipart fields', () => {
  const form = (newline: string, ...parts: [headers: string, content: string][]) =>
    Buffer.from(
      `${parts.map(([headers, content]) => `--XyZ${newline}${headers}${newline}${newline}${content}${newline}`).join('')}--XyZ--${newline}`,
      'latin1',
    );
  const values = (head: Buffer) =>
    readMultipartField(head, 'XyZ', ['model', 'stream']).map(({ name, value }) => [name, value]);

  it('finds fields with quoted and bare names, in CRLF and LF bodies', () => {
    for (const newline of ['\r\n', '\n']) {
      const bytes = form(
        newline,
        ['Content-Disposition: form-data; name="model"', 'whisper-1'],
        ['content-type: text/plain; name="stream"', 'no'],
        ['content-disposition:form-data;name=stream ; x="a;b"', ''],
        ['Content-Disposition: form-data;\r\n name="model"\r\nContent-Type: text/plain', 'second\r\nline'],
        ['Content-Disposition: form-data; name="other"', 'x'],
      );
      const fields = readMultipartField(bytes, 'XyZ', ['model', 'stream']);
      assert.deepEqual(
        fields.map(({ name, value }) => [name, value]),
        [
          ['model', 'whisper-1'],
          ['stream', ''],
          ['model', 'second\r\nline'],
        ],
      );
      for (const field of fields) assert.equal(at(bytes, field), field.value);
    }
  });

  it('takes no file and nothing that a file contains for a field', () => {
    const inner = '--XyZ\nContent-Disposition: form-data; name="model"\n\nfake\n';
    const lookalike = '--XyZZ\r\nContent-Disposition: form-data; name="model"\r\n\r\nfake\r\n--XyZ-\r\n';
    assert.deepEqual(
      values(
        form(
          '\r\n',
          ['Content-Disposition: form-data; name="model"; filename="a.txt"', 'file'],
          ['Content-Disposition: form-data; name="model"; filename*=UTF-8\'\'a.txt', 'file'],
          ['Content-Disposition: form-data; name="model"; filename="C:\\"', 'file'],
          ['Content-Disposition: form-data; FileName=a.txt; name=model', 'file'],
          [
            'Content-Disposition: form-data; name="file"; filename="; name=model; x="',
            `a\n${inner}\r\nb--XyZ\r\n${lookalike}`,
          ],
          ['Content-Disposition: form-data; x="name=model"', 'x'],
          ['Content-Disposition: attachment; name="model"', 'x'],
          ['Content-Disposition: form-data; name="stream"', 'true'],
        ),
      ),
      [['stream', 'true']],
    );
  });

  it('leaves out a field that is not there in full, at any cut', () => {
    const bytes = form(
      '\r\n',
      ['Content-Disposition: form-data; name="model"', 'gpt'],
      ['Content-Disposition: form-data; name="stream"', 'true'],
    );
    const first = bytes.indexOf('\r\n--XyZ') + '\r\n--XyZ\r\n'.length;
    const second = bytes.indexOf('--XyZ--') + '--XyZ--'.length;
    for (let end = 0; end <= bytes.length; end++) {
      const expected =
        end < first
          ? []
          : end < second
            ? [['model', 'gpt']]
            : [
                ['model', 'gpt'],
                ['stream', 'true'],
              ];
      assert.deepEqual(values(bytes.subarray(0, end)), expected, String(end));
    }
  });

  it('passes over a preamble and stops at the end of the form', () => {
    const bytes = form('\r\n', ['Content-Disposition: form-data; name="model"', 'gpt']);
    const fake = 'preamble --XyZ\r\nContent-Disposition: form-data; name="stream"\r\n\r\nfake\r\n';
    assert.deepEqual(values(Buffer.concat([Buffer.from(fake), bytes, bytes])), [['model', 'gpt']]);
    assert.deepEqual(values(Buffer.from('{"model":"x"}')), []);
  });

  it('takes an empty value whose line is missing for empty, and a part with endless headers for no field', () => {
    const headers = 'Content-Disposition: form-data; name="model"';
    assert.deepEqual(values(Buffer.from(`--XyZ\r\n${headers}\r\n\r\n--XyZ--\r\n`)), [['model', '']]);
    assert.deepEqual(values(form('\r\n', [`${headers}\r\nx: ${'y'.repeat(17_000)}`, 'gpt'])), []);
  });

  it('takes time in proportion to hostile headers', () => {
    const start = performance.now();
    for (const filler of [';x="\\"', ';', ' ', ';a="', '\n ']) {
      values(form('\r\n', [`Content-Disposition: form-data; ${filler.repeat(200_000)}`, 'x']));
      values(form('\r\n', [`Content-Disposition: form-data; ${filler.repeat(2500)}`, 'x']));
    }
    assert.ok(performance.now() - start < 1000);
  });
});
