import { anthropic, anthropicMessages } from '../../plugin-sdk/dialects/index.ts';
import type { Dialect, Operation } from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';
import { anthropicCalls } from '../anthropic-passthrough/calls.ts';
import { defineNative, type NativeEndpoint } from '../native/define-native.ts';

const shapes = loadOnUse<typeof import('./answer-models.ts')>(import.meta.url, './answer-models');

/** The Anthropic API, for its SDKs and Claude Code, with every configured provider behind Messages. */
export default defineNative({
  name: 'routes/anthropic',
  description: 'The Anthropic API under /anthropic: Messages for every provider, all else to Anthropic as it is.',
  prefix: '/anthropic',
  idHeader: 'request-id',
  // Clients whose base URL ends with `/v1` send it twice.
  endpoints: ['/v1', '/v1/v1'].flatMap(endpointsUnder),
  calls: anthropicCalls,
  models: () => shapes().answerModels,
});

function endpointsUnder(version: string): NativeEndpoint[] {
  const endpoint = (method: string, path: string, operation: Operation, dialect: Dialect): NativeEndpoint => ({
    method,
    path: version + path,
    pattern: new RegExp(`^${version}(${path.replace('*', '.+')})$`),
    operation,
    dialect,
    resolve: (found) => ({ path: found! }),
  });
  return [
    endpoint('POST', '/messages', 'chat', anthropicMessages),
    endpoint('POST', '/messages/count_tokens', 'count_tokens', anthropic),
    endpoint('GET', '/models', 'models', anthropic),
    endpoint('GET', '/models/*', 'models', anthropic),
  ];
}
