/**
 * Parts of Node that are asked for by name. An `import` reads every export of a module, and some are getters that load a great
 * deal more: those of `node:http` Node's own fetch and TLS, a tenth of the whole start, those of `node:util` its text diff.
 */
export const { createServer, IncomingMessage, request, ServerResponse, STATUS_CODES, validateHeaderName } =
  process.getBuiltinModule('node:http');
export const { parseArgs, promisify } = process.getBuiltinModule('node:util');
