import type { JsonObject } from '../../plugin-sdk/json.ts';
import { isObject } from '../../plugin-sdk/json.ts';
import { type Interaction, recordedProviders, recordings } from '../recordings.ts';

export interface FoundInteraction {
  /** `provider/file#position`, for messages. */
  readonly name: string;
  readonly interaction: Interaction;
}

/** Every recorded exchange with an endpoint whose path ends as given. */
export function interactionsAt(ending: RegExp): FoundInteraction[] {
  return recordedProviders().flatMap((provider) =>
    recordings(provider).flatMap(({ file, interactions }) =>
      interactions
        .map((interaction, i) => ({ name: `${provider}/${file}#${i}`, interaction }))
        .filter(({ interaction }) => ending.test(interaction.request.url.split('?')[0]!)),
    ),
  );
}

export function requestBodies(found: readonly FoundInteraction[]): { name: string; body: JsonObject }[] {
  return found.flatMap(({ name, interaction: { request } }) =>
    isObject(request.body) ? [{ name, body: request.body }] : [],
  );
}

/** Successful JSON replies with the request that asked for them. */
export function answerBodies(
  found: readonly FoundInteraction[],
): { name: string; request: JsonObject; body: JsonObject }[] {
  return found.flatMap(({ name, interaction: { request, response } }) =>
    response.status === 200 && isObject(response.body)
      ? [{ name, request: isObject(request.body) ? request.body : {}, body: response.body }]
      : [],
  );
}

/** Some recordings hold a JSON reply as verbatim text. */
function isStream(text: string): boolean {
  return /^data:/m.test(text);
}

export function streamTexts(found: readonly FoundInteraction[]): { name: string; request: JsonObject; text: string }[] {
  return found.flatMap(({ name, interaction: { request, response } }) =>
    response.status === 200 && response.bodyText !== undefined && isStream(response.bodyText)
      ? [{ name, request: isObject(request.body) ? request.body : {}, text: response.bodyText }]
      : [],
  );
}
