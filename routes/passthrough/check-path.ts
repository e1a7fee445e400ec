import { GatewayError } from '../../plugin-sdk/index.ts';

/** An encoding within an encoding within an encoding has no honest use in a path. */
const decodings = 3;

/**
 * Refuses a provider-native path that any server on the way could read as a step to somewhere else, however it is
 * written: relative or empty segments, backslashes, controls, whole URLs, user information. Throws GatewayError REQ_BAD_PATH.
 */
export function checkPath(path: string): void {
  if (path === '/' || path === '') throw refusal('it names no endpoint');
  if (path[0] !== '/') throw refusal('it does not start with a slash');
  if (/^\/[^/]*@/.test(path)) throw refusal('its first segment names a user');
  let text = path;
  for (let round = 0; round <= decodings; round++) {
    checkText(text);
    const decoded = decode(text, round);
    if (decoded === text) return;
    text = decoded;
  }
  throw refusal('it is encoded several times');
}

function checkText(text: string): void {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) throw refusal('it has control characters');
  }
  if (/[\\#]/.test(text)) throw refusal('it has a backslash or a fragment');
  if (text.includes('//')) throw refusal('it has empty segments');
  // Some servers cut parameters (`..;x`) off a segment before they read it.
  if (/\/\.\.?(?:[/;?]|$)/.test(text)) throw refusal('it has relative segments');
}

/** A percent sign that a first decoding brought to light may stand for itself. */
function decode(text: string, round: number): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    if (round > 0) return text;
    throw refusal('its percent-encoding is broken');
  }
}

function refusal(reason: string): GatewayError {
  return new GatewayError('REQ_BAD_PATH', { reason });
}
