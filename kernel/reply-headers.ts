import { type FlatHeaders, lowerName, lowerNames } from '../plugin-sdk/index.ts';
import type { LiveExchange } from './exchange.ts';

/**
 * Response headers that are not passed on: hop-by-hop ones, those that belong to the provider's own session or
 * authentication, and the names that the gateway speaks for itself.
 */
const dropped = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'set-cookie',
  'te',
  'transfer-encoding',
  'upgrade',
  'www-authenticate',
  'x-request-id',
]);

/** How a reply is framed, and whether its connection stays, is for whoever writes it: plugins have no say. */
const ofTheConnection = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'upgrade']);

/** Headers that make a 101 what it is. */
const hopOfUpgrade = new Set(['connection', 'upgrade']);

/** Clients take 16 KB of headers in all, often less. */
const explainBytes = 8_192;
/** What the gateway says besides may repeat names that a client has chosen, of any length. */
const valueChars = 1_024;

const unprintable = /[^\x20-\x7e]/g;

/** The reply's headers: the provider's that may pass, then what the gateway says of this exchange. */
export function replyHeaders(
  exchange: LiveExchange,
  generation: string,
  own: readonly string[],
  exactLength: boolean,
  upgraded = false,
): FlatHeaders {
  const headers: FlatHeaders = [];
  const names = lowerNames(own);
  for (let i = 0; i < own.length; i += 2) {
    const name = names[i / 2]!;
    if (name.startsWith('x-bf-') || (name === 'content-length' && !exactLength)) continue;
    if (!dropped.has(name) || (upgraded && hopOfUpgrade.has(name))) headers.push(own[i]!, own[i + 1]!);
    else if (name === 'x-request-id') headers.push('x-upstream-request-id', own[i + 1]!);
  }
  headers.push('x-request-id', exchange.id, 'x-bf-config', generation);
  const { attempts, served, route } = exchange;
  if (route.idHeader !== undefined && !names.includes(route.idHeader)) headers.push(route.idHeader, exchange.id);
  if (served !== undefined) {
    headers.push(
      'x-bf-provider',
      shown(served.target.provider),
      'x-bf-model',
      shown(served.chosen?.model ?? served.target.model),
    );
    if (served.chosen !== undefined) headers.push('x-bf-key', shown(served.chosen.name));
  }
  if (attempts.length > 0) headers.push('x-bf-attempts', shown(attempts.map(describeAttempt).join(', ')));
  if (served !== undefined && served.lossy.length > 0) headers.push('x-bf-lossy', shown(served.lossy.join(', ')));
  const { replyHeaders: set } = exchange;
  for (let i = 0; i < set.length; i += 2)
    if (!ofTheConnection.has(lowerName(set[i]!))) headers.push(printable(set[i]!), printable(set[i + 1]!));
  if (exchange.explains) headers.push('x-bf-explain', explanation(exchange));
  return headers;
}

function shown(text: string): string {
  return printable(cut(text));
}

function cut(text: string): string {
  return text.length > valueChars ? `${text.slice(0, valueChars)}...` : text;
}

/** Header values are what a client may have chosen: only visible ASCII gets through. */
function printable(text: string): string {
  return text.replace(unprintable, '?');
}

function describeAttempt({ provider, model, result, status, error }: LiveExchange['attempts'][number]): string {
  return `${provider}/${model}: ${status ?? error?.code ?? (result === 'abandoned' ? result : 'ok')}`;
}

/** The decision record, as JSON in ASCII; cut to what fits a header. */
function explanation(exchange: LiveExchange): string {
  const record = {
    request: exchange.id,
    operation: exchange.operation,
    targets: exchange.targets.map(({ provider, model }) => cut(`${provider}/${model}`)),
    decisions: exchange.decisions,
    hooks: exchange.timeline?.steps ?? [],
  };
  let { decisions } = record;
  let text = asciiJson(record);
  while (text.length > explainBytes && decisions.length > 0) {
    decisions = decisions.slice(Math.ceil(decisions.length / 2));
    text = asciiJson({ ...record, hooks: [], decisions, truncated: true });
  }
  return text.length > explainBytes ? asciiJson({ request: record.request, truncated: true }) : text;
}

function asciiJson(value: object): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
