import { isObject } from '../../json.ts';
import { loadOnUse } from '../../load-on-use.ts';
import { deferredCodec } from '../deferred-codec.ts';
import type { Dialect } from '../dialect.ts';
import { decodeError, encodeError, encodeStreamError } from './errors.ts';
import { meter } from './meter.ts';

export type { ClaudeCapabilities } from './capabilities.ts';

const wording = loadOnUse<typeof import('./client-words.ts')>(import.meta.url, './client-words');

/** The Anthropic endpoints other than messages: files, batches, models, token counts. */
export const anthropic: Dialect = {
  id: 'anthropic',
  framing: 'sse',
  meter,
  encodeError,
  encodeStreamError,
  decodeError,
};

/** `POST /v1/messages`, at Anthropic and wherever Claude is served in Anthropic's own format. */
export const anthropicMessages: Dialect = {
  ...anthropic,
  id: 'anthropic.messages',
  chat: {
    ...deferredCodec(loadOnUse<typeof import('./codec.ts')>(import.meta.url, './codec')),
    enforcesOutput: (body) => isObject(body['output_config']) && isObject(body['output_config']['format']),
  },
  clientWord: (path, conversation) => wording().clientWord(path, conversation),
};
