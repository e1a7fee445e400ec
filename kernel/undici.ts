import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The parts of undici that send. Its index would load fetch, WebSocket and caches besides: 8 MB that nothing here uses. */
export const Client: typeof import('undici').Client = require('undici/lib/dispatcher/client.js');
export const Pool: typeof import('undici').Pool = require('undici/lib/dispatcher/pool.js');
export const buildConnector: typeof import('undici').buildConnector = require('undici/lib/core/connect.js');
