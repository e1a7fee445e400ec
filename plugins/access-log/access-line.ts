import { callerSlot, type Outcome, type RoutedExchange } from '../../plugin-sdk/index.ts';
import { costSlot } from '../../plugin-sdk/ports/prices.ts';

/**
 * An exchange as one line of JSON, made by hand: a serialiser would cost ten times as much. What may come from a client
 * is quoted by {@link quoted}; everything else is a number or a name of our own.
 */
export function accessLine(exchange: RoutedExchange, outcome: Outcome): string {
  const serving = outcome.attempts.findLast((attempt) => attempt.result === 'ok') ?? outcome.attempts.at(-1);
  const target = serving ?? exchange.targets[0];
  const caller = exchange.get(callerSlot);
  const cost = exchange.get(costSlot);
  const { usage, error } = outcome;
  let line = `{"time":"${isoTime(exchange.time)}","request":${quoted(exchange.id)},"operation":"${exchange.operation}"`;
  line += `,"method":${quoted(exchange.request.method)},"route":${quoted(exchange.route.path)},"status":${outcome.status}`;
  line += `,"ms":${rounded(outcome.durationMs)}`;
  if (outcome.firstByteMs !== undefined) line += `,"firstByteMs":${rounded(outcome.firstByteMs)}`;
  if (exchange.stream) line += ',"stream":true';
  if (caller !== undefined) line += `,"caller":${quoted(caller.id)}`;
  if (exchange.model !== undefined) line += `,"clientModel":${quoted(exchange.model)}`;
  if (target !== undefined) line += `,"provider":${quoted(target.provider)},"model":${quoted(target.model)}`;
  if (serving?.key !== undefined) line += `,"key":${quoted(serving.key)}`;
  if (outcome.attempts.length > 1) line += `,"attempts":${outcome.attempts.length}`;
  if (usage !== undefined) line += `,"inputTokens":${number(usage.input)},"outputTokens":${number(usage.output)}`;
  if (cost !== undefined) line += cost === 'unknown' ? ',"costUsd":"unknown"' : `,"costUsd":${cost.nanoUsd / 1e9}`;
  if (outcome.finish !== undefined) line += `,"finish":${quoted(outcome.finish)}`;
  if (error !== undefined) line += `,"error":"${error.code}"`;
  if (outcome.clientGone) line += ',"clientGone":true';
  return `${line},"bytesIn":${outcome.bytesIn},"bytesOut":${outcome.bytesOut}}\n`;
}

const maxText = 200;
const plain = /^[\w./:@ -]*$/;

/** A JSON string, cut to a length that keeps a line a line. */
function quoted(text: string): string {
  const short = text.length > maxText ? text.slice(0, maxText) : text;
  return plain.test(short) ? `"${short}"` : JSON.stringify(short);
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}

/** JSON has no NaN. */
function number(value: number): number {
  return Number.isFinite(value) ? value : 0;
}

let lastSecond = Number.NaN;
let lastPrefix = '';

/** ISO 8601; the part up to the second is made once a second. */
function isoTime(time: number): string {
  const second = Math.floor(time / 1_000);
  if (second !== lastSecond) {
    lastSecond = second;
    lastPrefix = new Date(second * 1_000).toISOString().slice(0, 20);
  }
  return `${lastPrefix}${String(Math.floor(time) % 1_000).padStart(3, '0')}Z`;
}
