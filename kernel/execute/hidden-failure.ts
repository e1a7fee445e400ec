import { type Dialect, GatewayError, type Operation, type Provider } from '../../plugin-sdk/index.ts';
import { scanTopLevel } from '../../plugin-sdk/json-bytes/index.ts';

/** Larger bodies are only looked at from their end: a scan takes about a microsecond per kilobyte. */
const scannedBytes = 65_536;
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
  return whole.length <= scannedBytes && whole.includes('"error"')
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
 * A page of a proxy on the way, or nothing at all, under a 2xx status. Throws GatewayError UP_BAD_BODY, so that another
 * target may answer. `bytes`: the body as far as it has come.
 */
export function refuseNoJson(provider: Provider, operation: Operation, type: string, bytes: Buffer | undefined): void {
  if (!answeredInJson.has(operation)) return;
  if (bytes === undefined ? !type.includes('html') : isJson(bytes)) return;
  const what = bytes?.length === 0 ? 'it is empty' : `it is ${type === '' ? 'of no type' : type} that is no JSON`;
  throw new GatewayError('UP_BAD_BODY', { provider: provider.name, reason: what });
}

/** By its first character, behind a byte order mark. */
function isJson(bytes: Buffer): boolean {
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (at < bytes.length && bytes[at]! <= 0x20) at += 1;
  return bytes[at] === openBrace || bytes[at] === openBracket;
}

function isBroken(whole: Buffer): boolean {
  if (whole.length <= scannedBytes) return !scanTopLevel(whole, []).complete;
  let last = whole.length - 1;
  while (last > 0 && whole[last]! <= 0x20) last -= 1;
  return whole[last] !== closeBrace;
}
