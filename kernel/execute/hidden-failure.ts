import { type Dialect, GatewayError, type Operation, type Provider } from '../../plugin-sdk/index.ts';
import { scanTopLevel } from '../../plugin-sdk/json-bytes/index.ts';
import { withoutMark } from './reply-json.ts';

/** Larger bodies are only looked at from their end: a scan takes about a microsecond per kilobyte. */
const scannedBytes = 65_536;
const errorKey = Buffer.from('"error"');
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;

/**
 * The failure that a JSON reply under a 2xx status hides: the status that its `error` member stands for, `undefined` for
 * a sound reply. Throws GatewayError UP_BAD_BODY when the object is not complete.
 */
export function hiddenFailure(provider: Provider, dialect: Dialect, whole: Buffer): number | undefined {
  if (whole[0] === openBrace && isBroken(whole)) {
    throw new GatewayError('UP_BAD_BODY', { provider: provider.name, reason: 'it is not complete JSON' });
  }
  return whole.length <= scannedBytes && whole.includes(errorKey)
    ? dialect.meter.json(whole).problem?.status
    : undefined;
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

function isBroken(whole: Buffer): boolean {
  if (whole.length <= scannedBytes) return !scanTopLevel(whole, []).complete;
  let last = whole.length - 1;
  while (last > 0 && whole[last]! <= 0x20) last -= 1;
  return whole[last] !== closeBrace;
}
