import type { Dialect } from '../dialect.ts';
import { errorFace } from './error-face.ts';
import { openaiMeter } from './meter.ts';

/** OpenAI's operations other than chat and responses: embeddings, images, audio, files and the like. Never translated. */
export const openai: Dialect = { id: 'openai', framing: 'sse', meter: openaiMeter, ...errorFace };
