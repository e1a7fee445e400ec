import { type Dialect, GatewayError, type Provider } from '../../plugin-sdk/index.ts';
import { scanTopLevel } from '../../plugin-sdk/json-bytes/index.ts';

/** Larger bodies are only looked at from their end: a scan takes about a microsecond per kilobyte. */
const scannedBytes = 65_536;
const openBrace = 0x7b;
const closeBrace = 0x7d;

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

function isBroken(whole: Buffer): boolean {
  if (whole.length <= scannedBytes) return !scanTopLevel(whole, []).complete;
  let last = whole.length - 1;
  while (last > 0 && whole[last]! <= 0x20) last -= 1;
  return whole[last] !== closeBrace;
}
