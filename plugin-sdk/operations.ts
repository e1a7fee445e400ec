/**
 * What a client asks for. A route names the operation of each exchange; providers say which they serve.
 * The name is the one in config, records, metrics and errors.
 */
export const operations = [
  'chat',
  'responses',
  'completions',
  'embeddings',
  'moderations',
  'images.generate',
  'images.edit',
  'images.variation',
  'audio.speech',
  'audio.transcription',
  'audio.translation',
  'models',
  'files',
  'batches',
  'videos',
  'realtime',
  'count_tokens',
  'rerank',
  'resources',
  'passthrough',
] as const;

/**
 * `resources` are calls on things that a provider stores (vector stores, fine-tuning jobs, conversations and the like):
 * always carried, never translated.
 */
export type Operation = (typeof operations)[number];
