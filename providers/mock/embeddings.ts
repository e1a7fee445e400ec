import { createHash } from 'node:crypto';
import { GatewayError, type JsonObject, type JsonValue } from '../../plugin-sdk/index.ts';
import { countTokens } from './count-tokens.ts';
import { type Form, textField } from './form.ts';

const defaultDimensions = 1_536;
const maxInputs = 2_048;

/** Unit vectors that depend on the input alone, as numbers or as base64 of 32-bit floats (little-endian). */
export function answerEmbeddings(form: Form, model: string): JsonObject {
  const inputs = inputsOf(form.fields.get('input'));
  const wanted = form.fields.get('dimensions');
  const dimensions = typeof wanted === 'number' ? wanted : defaultDimensions;
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > 8_192) {
    throw new GatewayError(
      'REQ_INVALID',
      { reason: 'dimensions must be a whole number from 1 to 8192.' },
      { param: 'dimensions' },
    );
  }
  const isBase64 = textField(form, 'encoding_format') === 'base64';
  const data = inputs.map((text, index) => {
    const vector = vectorOf(text, dimensions);
    const embedding: JsonValue = isBase64 ? Buffer.from(vector.buffer).toString('base64') : [...vector];
    return { object: 'embedding', index, embedding };
  });
  const tokens = inputs.reduce((sum, text) => sum + countTokens(text), 0);
  return { object: 'list', data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

/** A text, a list of texts, a list of tokens or a list of those. */
function inputsOf(input: JsonValue | undefined): string[] {
  const list = Array.isArray(input) && typeof input[0] !== 'number' ? input : [input];
  if (
    list.length === 0 ||
    list.length > maxInputs ||
    list.some((one) => typeof one !== 'string' && !Array.isArray(one))
  ) {
    throw new GatewayError(
      'REQ_INVALID',
      { reason: `input must be a text, tokens, or a list of up to ${maxInputs} of them.` },
      { param: 'input' },
    );
  }
  return list.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
}

function vectorOf(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  let state = createHash('sha256').update(text).digest().readUInt32LE(0) || 1;
  let squares = 0;
  for (let i = 0; i < dimensions; i++) {
    // xorshift32: small, and the same everywhere.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    vector[i] = (state | 0) / 2 ** 31;
    squares += vector[i]! ** 2;
  }
  const length = Math.sqrt(squares) || 1;
  return vector.map((value) => value / length);
}
