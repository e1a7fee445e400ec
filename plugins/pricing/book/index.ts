import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BookSource } from '../book.ts';
import type { BookFile } from '../book-file.ts';

/** Names the book that ships; raised with every change of a price in it. */
export const bookVersion = '2026-11-22';

const providers = [
  'anthropic',
  'azure',
  'bedrock',
  'cerebras',
  'cohere',
  'deepseek',
  'fireworks',
  'gemini',
  'groq',
  'mistral',
  'mock',
  'ollama',
  'openai',
  'openrouter',
  'perplexity',
  'sglang',
  'together',
  'vertex',
  'vllm',
  'xai',
];

/** The book that ships, one file per provider. */
export const shippedBook: readonly BookSource[] = providers.map((provider) => ({
  provider,
  read: () => JSON.parse(readFileSync(join(import.meta.dirname, `${provider}.json`), 'utf8')) as BookFile,
}));
