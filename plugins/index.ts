import type { CatalogueEntry } from '../plugin-sdk/catalogue.ts';

/** Every plugin that ships, with what it provides, loaded only when a config or another plugin asks for it. */
export default [
  { id: 'plugins/async-jobs', load: () => import('./async-jobs/index.ts') },
  { id: 'plugins/access-log', load: () => import('./access-log/index.ts') },
  { id: 'plugins/key-pool', provides: ['keys'], load: () => import('./key-pool/index.ts') },
  { id: 'plugins/records', provides: ['port:record-queue'], load: () => import('./records/index.ts') },
  {
    id: 'plugins/store-lmdb',
    provides: ['port:entities', 'port:ledger', 'port:jobs', 'port:records', 'port:cache'],
    load: () => import('./store-lmdb/index.ts'),
  },
  { id: 'plugins/pricing', provides: ['port:prices'], load: () => import('./pricing/index.ts') },
  { id: 'plugins/governance', provides: ['identity'], load: () => import('./governance/index.ts') },
  { id: 'plugins/admin-api', load: () => import('./admin-api/index.ts') },
] satisfies CatalogueEntry[] as CatalogueEntry[];
