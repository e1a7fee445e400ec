import type { CatalogueEntry } from '../plugin-sdk/catalogue.ts';

/** Every plugin of this folder that ships, loaded only when a config asks for it. */
export default [
  { id: 'providers/openai', load: () => import('./openai/index.ts') },
  { id: 'providers/anthropic', load: () => import('./anthropic/index.ts') },
  { id: 'providers/gemini', load: () => import('./gemini/index.ts') },
  { id: 'providers/vertex', load: () => import('./vertex/index.ts') },
  { id: 'providers/azure', load: () => import('./azure/index.ts') },
  { id: 'providers/bedrock', load: () => import('./bedrock/index.ts') },
  { id: 'providers/cohere', load: () => import('./cohere/index.ts') },
  { id: 'providers/openai-compatible', load: () => import('./openai-compatible/index.ts') },
  { id: 'providers/groq', load: () => import('./groq/index.ts') },
  { id: 'providers/mistral', load: () => import('./mistral/index.ts') },
  { id: 'providers/ollama', load: () => import('./ollama/index.ts') },
  { id: 'providers/openrouter', load: () => import('./openrouter/index.ts') },
  { id: 'providers/xai', load: () => import('./xai/index.ts') },
  { id: 'providers/deepseek', load: () => import('./deepseek/index.ts') },
  { id: 'providers/together', load: () => import('./together/index.ts') },
  { id: 'providers/fireworks', load: () => import('./fireworks/index.ts') },
  { id: 'providers/perplexity', load: () => import('./perplexity/index.ts') },
  { id: 'providers/cerebras', load: () => import('./cerebras/index.ts') },
  { id: 'providers/vllm', load: () => import('./vllm/index.ts') },
  { id: 'providers/sglang', load: () => import('./sglang/index.ts') },
  { id: 'providers/nebius', load: () => import('./nebius/index.ts') },
  { id: 'providers/huggingface', load: () => import('./huggingface/index.ts') },
  { id: 'providers/parasail', load: () => import('./parasail/index.ts') },
  { id: 'providers/mock', load: () => import('./mock/index.ts') },
] satisfies CatalogueEntry[] as CatalogueEntry[];
