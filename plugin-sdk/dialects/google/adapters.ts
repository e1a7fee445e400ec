import type { Operation } from '../../operations.ts';
import type { OperationAdapter } from '../../provider.ts';
import { countTokens } from './count-tokens.ts';
import { editImages, generateImages } from './images.ts';
import { speech } from './speech.ts';
import { transcription, translation } from './transcription.ts';

/** What every host of Google's models serves beyond chat. */
export function googleAdapters(flavour: 'gemini' | 'vertex'): Partial<Record<Operation, OperationAdapter>> {
  return {
    'images.generate': generateImages,
    'images.edit': editImages,
    'audio.speech': speech,
    'audio.transcription': transcription,
    'audio.translation': translation,
    count_tokens: countTokens(flavour),
  };
}
