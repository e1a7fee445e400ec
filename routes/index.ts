import type { CatalogueEntry } from '../plugin-sdk/catalogue.ts';

/** Every plugin of this folder that ships, loaded only when a config asks for it. */
export default [
  { id: 'routes/openai', load: () => import('./openai/index.ts') },
  { id: 'routes/anthropic', load: () => import('./anthropic/index.ts') },
  { id: 'routes/genai', load: () => import('./genai/index.ts') },
  { id: 'routes/openai-passthrough', load: () => import('./openai-passthrough/index.ts') },
  { id: 'routes/anthropic-passthrough', load: () => import('./anthropic-passthrough/index.ts') },
  { id: 'routes/azure-passthrough', load: () => import('./azure-passthrough/index.ts') },
  { id: 'routes/genai-passthrough', load: () => import('./genai-passthrough/index.ts') },
] satisfies CatalogueEntry[] as CatalogueEntry[];
