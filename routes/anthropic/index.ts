import { anthropic, anthropicMessages } from '../../plugin-sdk/dialects/index.ts';
import type { ResolvedPath } from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';
import { anthropicCalls } from '../anthropic-passthrough/calls.ts';
import { defineNative, type NativeEndpoint } from '../native/define-native.ts';

const shapes = loadOnUse<typeof import('./answer-models.ts')>(import.meta.url, './answer-models');

/** Clients whose base URL ends with `/v1` send it twice. */
const versions = ['/v1', '/v1/v1'];

/** The Anthropic API, for its SDKs and Claude Code, with every configured provider behind Messages. */
export default defineNative({
  name: 'routes/anthropic',
  description: 'The Anthropic API under /anthropic: Messages for every provider, all else to Anthropic as it is.',
  prefix: '/anthropic',
  idHeader: 'request-id',
  endpoints: versions.flatMap(endpointsUnder),
  calls: anthropicCalls,
  models: () => shapes().answerModels,
});

function endpointsUnder(version: string): NativeEndpoint[] {
  const resolve = (path: string): ResolvedPath => ({ path: path.slice(version.length) });
  return [
    { method: 'POST', path: `${version}/messages`, operation: 'chat', dialect: anthropicMessages, resolve },
    {
      method: 'POST',
      path: `${version}/messages/count_tokens`,
      operation: 'count_tokens',
      dialect: anthropic,
      resolve,
    },
    { method: 'GET', path: `${version}/models`, operation: 'models', dialect: anthropic, resolve },
    { method: 'GET', path: `${version}/models/*`, operation: 'models', dialect: anthropic, resolve },
  ];
}
