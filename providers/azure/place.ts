import { type Call, type Operation, pathOf, queryOf } from '../../plugin-sdk/index.ts';

const defaultVersion = '2024-10-21';

/** Operations that lie beneath a deployment; all others belong to the resource. */
const ofDeployments: ReadonlySet<Operation> = new Set([
  'chat',
  'completions',
  'embeddings',
  'images.generate',
  'images.edit',
  'images.variation',
  'audio.speech',
  'audio.transcription',
  'audio.translation',
]);

/** Operations that no dated api-version has in full: they live under /openai/v1 (wire facts 5). */
const onlyV1: ReadonlySet<Operation> = new Set(['responses', 'videos']);

/** Path and query of a call at an Azure resource. */
export function place(call: Call, api: 'deployments' | 'v1'): string {
  if (call.passthrough) return `${call.path}${call.query}`;
  const path = pathOf(call);
  const asked = new URLSearchParams(call.query).get('api-version');
  if (api === 'v1' || onlyV1.has(call.operation) || path.startsWith('/responses')) {
    // Dated versions mean nothing there; these two words do.
    const kept = asked === 'preview' || asked === 'latest' ? `api-version=${asked}` : '';
    return `/openai/v1${path}${joined(queryOf(call), kept)}`;
  }
  const version = String(call.key.settings['apiVersion'] ?? asked ?? defaultVersion);
  const deployment =
    ofDeployments.has(call.operation) && call.model !== '' ? `/deployments/${encodeURIComponent(call.model)}` : '';
  return `/openai${deployment}${path}${joined(queryOf(call), `api-version=${encodeURIComponent(version)}`)}`;
}

function joined(query: string, more: string): string {
  if (more === '') return query;
  return query === '' ? `?${more}` : `${query}&${more}`;
}
