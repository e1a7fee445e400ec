import {
  type Dialect,
  type FlatHeaders,
  GatewayError,
  getHeader,
  type Operation,
  type Provider,
} from '../../plugin-sdk/index.ts';
import { scanTopLevel } from '../../plugin-sdk/json-bytes/index.ts';
import { withoutMark } from './reply-json.ts';

/** Larger bodies are not searched: that takes about a microsecond per kilobyte. */
const searchedBytes = 65_536;
const errorKey = Buffer.from('"error"');
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;

/**
 * The failure that a JSON reply under a 2xx status hides: the status that its `error` member stands for, `undefined` for
 * a sound reply.
 */
export function hiddenFailure(dialect: Dialect, whole: Buffer): number | undefined {
  return whole.length <= searchedBytes && whole.includes(errorKey)
    ? dialect.meter.json(whole).problem?.status
    : undefined;
}

/**
 * Throws GatewayError UP_BAD_BODY for an object that is not complete. One whose end was announced is taken at its last
 * brace: reading all of it would be a tenth of what a short call costs.
 */
export function checkComplete(provider: Provider, headers: FlatHeaders, whole: Buffer): void {
  if (whole[0] !== openBrace) return;
  const isAnnounced =
    getHeader(headers, 'content-length') !== undefined || getHeader(headers, 'transfer-encoding') !== undefined;
  const isComplete =
    isAnnounced || whole.length > searchedBytes ? endsInBrace(whole) : scanTopLevel(whole, []).complete;
  if (!isComplete)
    throw new GatewayError('UP_BAD_BODY', { provider: provider.name, reason: 'it is not complete JSON' });
}

function endsInBrace(whole: Buffer): boolean {
  let last = whole.length - 1;
  while (last > 0 && whole[last]! <= 0x20) last -= 1;
  return whole[last] === closeBrace;
}

/** Operations that are answered in JSON and nothing else. */
const answeredInJson: ReadonlySet<Operation> = new Set([
  'chat',
  'responses',
  'completions',
  'embeddings',
  'moderations',
  'rerank',
]);

/**
 * The error UP_BAD_BODY for a page of a proxy on the way, or nothing at all, under status 200, so that another target may
 * answer; `undefined` for what may be an answer. `bytes`: the body, where it has come whole.
 */
export function noAnswer(
  provider: Provider,
  operation: Operation,
  type: string,
  bytes: Buffer | undefined,
): GatewayError | undefined {
  if (!answeredInJson.has(operation)) return undefined;
  if (bytes === undefined ? !type.includes('html') : mayBeJson(bytes)) return undefined;
  const reason = bytes?.length === 0 ? 'it is empty' : `it is ${type === '' ? 'of no type' : type} that is no JSON`;
  return new GatewayError('UP_BAD_BODY', { provider: provider.name, reason });
}

/** By its first character. */
function mayBeJson(bytes: Buffer): boolean {
  const plain = withoutMark(bytes);
  let at = 0;
  while (at < plain.length && plain[at]! <= 0x20) at += 1;
  return plain[at] === openBrace || plain[at] === openBracket;
}
