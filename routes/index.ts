import type { CatalogueEntry } from '../plugin-sdk/catalogue.ts';

/** Every plugin of this folder that ships, loaded only when a config asks for it. */
export default [] satisfies CatalogueEntry[] as CatalogueEntry[];
