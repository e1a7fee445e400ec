import type { Usage } from '../../conversation/index.ts';
import type { JsonValue } from '../../json.ts';
import type { JsonReading, UpstreamProblem } from '../dialect.ts';
import { problemOf } from './problem.ts';
import { usageInBytes } from './usage-in-bytes.ts';

/** What any OpenAI reply says of itself, each found by a search of its bytes for whoever asks. */
export class OpenAIReading implements JsonReading {
  readonly #bytes: Buffer;
  readonly #finishOf: (bytes: Buffer) => string | undefined;

  /** `finishOf` is the format's own: where they say why an answer ended differs. */
  constructor(bytes: Buffer, finishOf: (bytes: Buffer) => string | undefined) {
    this.#bytes = bytes;
    this.#finishOf = finishOf;
  }

  get usage(): Usage | undefined {
    return usageInBytes(this.#bytes);
  }

  get finish(): string | undefined {
    return this.#finishOf(this.#bytes);
  }

  get model(): string | undefined {
    return stringOf(this.#bytes, modelKey, 'first');
  }

  get problem(): UpstreamProblem | undefined {
    return problemInBytes(this.#bytes);
  }
}

/**
 * The string value of a key, found by bytes: the first or the last place where the key has a string behind it.
 * A key inside text has its quotes escaped and never matches.
 */
export function stringOf(bytes: Buffer, quotedKey: Buffer, which: 'first' | 'last'): string | undefined {
  let at = which === 'first' ? bytes.indexOf(quotedKey) : bytes.lastIndexOf(quotedKey);
  for (let tries = 0; at >= 0 && tries < 8; tries++) {
    const match = stringValue.exec(bytes.toString('utf8', at + quotedKey.length, at + quotedKey.length + 300));
    if (match !== null && bytes[at - 1] !== 0x5c) return match[1]!;
    if (which === 'last' && at === 0) return undefined;
    at = which === 'first' ? bytes.indexOf(quotedKey, at + 1) : bytes.lastIndexOf(quotedKey, at - 1);
  }
  return undefined;
}

const modelKey = Buffer.from('"model"');
const stringValue = /^\s*:\s*"([^"\\]*)"/;
const largestProblem = 64 * 1024;
const quotedError = Buffer.from('"error"');
const errorKey = /"error"\s*:\s*["{]/;

/** Some providers answer 200 with an error inside. Such bodies are small, so only small ones are looked at. */
function problemInBytes(bytes: Buffer): UpstreamProblem | undefined {
  if (bytes.length > largestProblem || bytes.indexOf(quotedError) < 0) return undefined;
  const text = bytes.toString();
  if (!errorKey.test(text)) return undefined;
  try {
    const body = JSON.parse(text) as JsonValue;
    const found = Array.isArray(body) ? body[0] : body;
    return typeof found === 'object' && found !== null && 'error' in found && found['error']
      ? problemOf(found, undefined)
      : undefined;
  } catch {
    return undefined;
  }
}
