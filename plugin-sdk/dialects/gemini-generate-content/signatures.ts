import { isObject, type JsonObject } from '../../json.ts';

/** Google's documented stand-in for a thought signature that is not at hand. */
export const skipSignature = 'skip_thought_signature_validator';

/**
 * Models that check thought signatures refuse a function call of the current turn without one. They put it on the first
 * call of each step only, so that is where a stand-in goes. The current turn begins at the last content of the user that
 * is more than function responses.
 */
export function addMissingSignatures(contents: readonly JsonObject[]): void {
  for (let i = contents.length - 1; i >= 0; i--) {
    const content = contents[i]!;
    const parts = (Array.isArray(content['parts']) ? content['parts'] : []).filter(isObject);
    if (content['role'] === 'model') {
      const call = parts.find((part) => part['functionCall'] !== undefined);
      if (call !== undefined && call['thoughtSignature'] === undefined) call['thoughtSignature'] = skipSignature;
    } else if (!parts.some((part) => part['functionResponse'] !== undefined)) return;
  }
}
