import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject, JsonValue } from '../plugin-sdk/json.ts';

/** What went over the wire in one direction: parsed JSON, verbatim text (SSE), base64 of binary, or nothing. */
export interface RecordedBody {
  readonly body?: JsonValue;
  readonly bodyText?: string;
  readonly bodyBase64?: string;
}

export interface Interaction {
  readonly request: RecordedBody & { readonly method: string; readonly url: string };
  readonly response: RecordedBody & { readonly status: number; readonly headers: JsonObject };
}

export interface Recording {
  readonly file: string;
  readonly interactions: readonly Interaction[];
}

/** Recorded exchanges with real providers lie beside the repository; they are no part of it. */
const folder = join(import.meta.dirname, '..', '..', 'shared', 'recordings');

export const recordingsPresent = existsSync(folder);

/** Use as `test(name, { skip: recordingsMissing }, …)`: the reason to skip, or false. */
export const recordingsMissing: string | false = recordingsPresent ? false : 'no recordings beside the repository';

const cache = new Map<string, readonly Recording[]>();

/** Every recording of one provider (`openai`, `groq`, …), parsed; empty where there are none. */
export function recordings(provider: string): readonly Recording[] {
  const known = cache.get(provider);
  if (known !== undefined) return known;
  const found = readFolder(join(folder, provider));
  cache.set(provider, found);
  return found;
}

/** Names of all providers with recordings. */
export function recordedProviders(): readonly string[] {
  return recordingsPresent ? readdirSync(folder).sort() : [];
}

function readFolder(path: string): readonly Recording[] {
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const { interactions } = JSON.parse(readFileSync(join(path, file), 'utf8')) as Recording;
      return { file, interactions };
    });
}
