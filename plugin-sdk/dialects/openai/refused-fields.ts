import type { JsonObject, JsonValue } from '../../json.ts';

/** What these mean anyway: left out they lose nothing. */
const usual: Readonly<Record<string, JsonValue>> = {
  temperature: 1,
  top_p: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
};

/** Takes out of a body what its target refuses, and names it where it said something. */
export function dropRefused(
  body: JsonObject,
  refuses: readonly string[] | undefined,
  lost: (path: string) => void,
): void {
  for (const field of refuses ?? []) {
    const value = body[field];
    if (value === undefined) continue;
    if (value !== usual[field]) lost(field);
    delete body[field];
  }
}
