import type { CatalogueEntry } from '../plugin-sdk/catalogue.ts';

/** Every plugin that ships, with what it provides, loaded only when a config or another plugin asks for it. */
export default [
  { id: 'plugins/azure-api-version', load: () => import('./azure-api-version/index.ts') },
  { id: 'plugins/vertex-detection', load: () => import('./vertex-detection/index.ts') },
  { id: 'plugins/async-jobs', load: () => import('./async-jobs/index.ts') },
  { id: 'plugins/access-log', load: () => import('./access-log/index.ts') },
  {
    id: 'plugins/cache',
    provides: ['port:cached-answers', 'port:cache-counter'],
    load: () => import('./cache/index.ts'),
  },
  { id: 'plugins/circuit-breaker', load: () => import('./circuit-breaker/index.ts') },
  { id: 'plugins/concurrency', load: () => import('./concurrency/index.ts') },
  { id: 'plugins/dashboard', load: () => import('./dashboard/index.ts') },
  { id: 'plugins/direct-keys', load: () => import('./direct-keys/index.ts') },
  { id: 'plugins/fallbacks', load: () => import('./fallbacks/index.ts') },
  { id: 'plugins/hedging', load: () => import('./hedging/index.ts') },
  { id: 'plugins/key-pool', provides: ['keys'], load: () => import('./key-pool/index.ts') },
  { id: 'plugins/records', provides: ['port:record-queue'], load: () => import('./records/index.ts') },
  {
    id: 'plugins/store-lmdb',
    provides: ['port:entities', 'port:ledger', 'port:jobs', 'port:records', 'port:cache'],
    load: () => import('./store-lmdb/index.ts'),
  },
  { id: 'plugins/otel', load: () => import('./otel/index.ts') },
  { id: 'plugins/pricing', provides: ['port:prices'], load: () => import('./pricing/index.ts') },
  { id: 'plugins/governance', provides: ['identity'], load: () => import('./governance/index.ts') },
  { id: 'plugins/admin-api', load: () => import('./admin-api/index.ts') },
  { id: 'plugins/metrics', load: () => import('./metrics/index.ts') },
  { id: 'plugins/model-router', load: () => import('./model-router/index.ts') },
  { id: 'plugins/retries', load: () => import('./retries/index.ts') },
  { id: 'plugins/semantic-cache', load: () => import('./semantic-cache/index.ts') },
  { id: 'plugins/timeouts', load: () => import('./timeouts/index.ts') },
] satisfies CatalogueEntry[] as CatalogueEntry[];
