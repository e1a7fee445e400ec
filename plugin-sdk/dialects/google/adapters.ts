import { deferredAdapter } from '../../deferred-adapter.ts';
import { loadOnUse } from '../../load-on-use.ts';
import type { Operation } from '../../operations.ts';
import type { OperationAdapter } from '../../provider.ts';

const counting = loadOnUse<typeof import('./count-tokens.ts')>(import.meta.url, './count-tokens');
const images = loadOnUse<typeof import('./images.ts')>(import.meta.url, './images');
const speaking = loadOnUse<typeof import('./speech.ts')>(import.meta.url, './speech');
const listening = loadOnUse<typeof import('./transcription.ts')>(import.meta.url, './transcription');

/** What every host of Google's models serves beyond chat. */
export function googleAdapters(flavour: 'gemini' | 'vertex'): Partial<Record<Operation, OperationAdapter>> {
  return {
    'images.generate': deferredAdapter(() => images().generateImages),
    'images.edit': deferredAdapter(() => images().editImages),
    'audio.speech': deferredAdapter(() => speaking().speech),
    'audio.transcription': deferredAdapter(() => listening().transcription),
    'audio.translation': deferredAdapter(() => listening().translation),
    count_tokens: deferredAdapter(() => counting().countTokens(flavour)),
  };
}
