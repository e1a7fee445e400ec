import type { CatalogueEntry } from '../plugin-sdk/catalogue.ts';

/** Every plugin of this folder that ships, loaded only when a config asks for it. */
export default [
  { id: 'routes/openai', load: () => import('./openai/index.ts') },
] satisfies CatalogueEntry[] as CatalogueEntry[];
