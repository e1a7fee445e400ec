import { deferredAdapter } from '../../deferred-adapter.ts';
import { loadOnUse } from '../../load-on-use.ts';
import type { Operation } from '../../operations.ts';
import type { OperationAdapter } from '../../provider.ts';

const images = loadOnUse<typeof import('./images.ts')>(import.meta.url, './images');
const speaking = loadOnUse<typeof import('./speech.ts')>(import.meta.url, './speech');
const listening = loadOnUse<typeof import('./transcription.ts')>(import.meta.url, './transcription');

/** What every host of Google's models serves beyond chat. */
export const googleAdapters: Partial<Record<Operation, OperationAdapter>> = {
  'images.generate': deferredAdapter(() => images().generateImages),
  'images.edit': deferredAdapter(() => images().editImages),
  'audio.speech': deferredAdapter(() => speaking().speech),
  'audio.transcription': deferredAdapter(() => listening().transcription),
  'audio.translation': deferredAdapter(() => listening().translation),
};
