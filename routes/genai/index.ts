import { geminiGenerateContent, google } from '../../plugin-sdk/dialects/index.ts';
import { GatewayError, type Operation } from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';
import { genaiCalls } from '../genai-passthrough/calls.ts';
import { defineNative, type NativeEndpoint } from '../native/define-native.ts';

const shapes = loadOnUse<typeof import('./answer-models.ts')>(import.meta.url, './answer-models');

/** The Gemini API, for the Google Gen AI SDKs, with every configured provider behind generateContent. */
export default defineNative({
  name: 'routes/genai',
  description:
    'The Gemini API under /genai: generateContent and embeddings for every provider, all else to Google as it is.',
  prefix: '/genai',
  endpoints: [
    verb('generateContent', 'chat'),
    verb('streamGenerateContent', 'chat'),
    verb('countTokens', 'count_tokens'),
    verb('embedContent', 'embeddings'),
    verb('batchEmbedContents', 'embeddings'),
    list('/:version/models'),
    // An operation of a model, such as a video that is being made, is the vendor's.
    list('/:version/models/:model{(?!.+\\x2foperations\\x2f).+}'),
  ],
  calls: genaiCalls,
  check({ stream, request }) {
    if (!stream || request.queryValue('alt') === 'sse') return;
    throw new GatewayError('REQ_INVALID', { reason: 'Streams are served as events: add ?alt=sse.' }, { param: 'alt' });
  },
  models: () => shapes().answerModels,
});

/** `/v1beta/models/NAME:verb`; a name may have slashes: `/v1beta/models/anthropic/claude-sonnet-4-5:generateContent`. */
function verb(name: string, operation: Operation): NativeEndpoint {
  const stream = name.startsWith('stream');
  return {
    method: 'POST',
    path: `/:version/models/:call{.+:${name}}`,
    pattern: new RegExp(`^/[^/]+/models/(.+):${name}$`),
    operation,
    dialect: operation === 'chat' ? geminiGenerateContent : google,
    resolve(found) {
      const model = decodeURIComponent(found!);
      return { path: `/models/${model}:${name}`, model, stream };
    },
  };
}

function list(path: string): NativeEndpoint {
  return {
    method: 'GET',
    path,
    pattern: /^\/[^/]+(\/models(?:\/.+)?)$/,
    operation: 'models',
    dialect: google,
    resolve: (found) => ({ path: found! }),
  };
}
