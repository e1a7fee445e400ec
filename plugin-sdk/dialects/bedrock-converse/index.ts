import { isObject } from '../../json.ts';
import { loadOnUse } from '../../load-on-use.ts';
import { deferredCodec } from '../deferred-codec.ts';
import type { Dialect } from '../dialect.ts';
import { decodeError, encodeError, encodeStreamError } from './errors.ts';
import { meter } from './meter.ts';

export type { ConverseCapabilities } from './capabilities.ts';

/** The Bedrock runtime endpoints other than Converse: invoke, token counts. */
export const bedrock: Dialect = {
  id: 'bedrock',
  framing: 'aws-event-stream',
  meter,
  encodeError,
  encodeStreamError,
  decodeError,
};

/** `POST /model/{id}/converse` and `/converse-stream`. */
export const bedrockConverse: Dialect = {
  ...bedrock,
  id: 'bedrock.converse',
  chat: {
    ...deferredCodec(loadOnUse<typeof import('./codec.ts')>(import.meta.url, './codec')),
    enforcesOutput: (body) => isObject(body['outputConfig']) && isObject(body['outputConfig']['textFormat']),
  },
};
