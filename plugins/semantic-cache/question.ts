import { hash } from 'node:crypto';
import type { Block, Conversation, Exchange, JsonValue, Message } from '../../plugin-sdk/index.ts';
import type { CacheRequest } from '../../plugin-sdk/ports/cache.ts';
import type { SemanticCacheOptions } from './options.ts';

export interface Question {
  /** What is compared by meaning. */
  readonly text: string;
  /** A hash of all that must be the same. */
  readonly partition: string;
}

/** Positions in {@link CacheRequest.surroundings}. */
const providerAt = 5;
const baseUrlAt = 6;
const modelAt = 7;

/** Members of a conversation that no answer depends on. */
const immaterial = new Set(['model', 'messages', 'stream', 'streamUsage', 'endUser', 'metadata']);
const tags = new Set([
  'user',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'stream_options',
  'metadata',
]);

/** The last thing that a user said and where to look for others like it; `undefined` when that cannot be told. */
export function questionOf(
  exchange: Exchange,
  request: CacheRequest,
  options: SemanticCacheOptions,
): Question | undefined {
  const conversation = exchange.conversation();
  const last = conversation.messages.at(-1);
  if (last?.role !== 'user') return undefined;
  const before = conversation.messages.slice(0, -1);
  const history = before.filter(({ role }) => !isSystem(role));
  const asked = textOf(last.blocks);
  if (asked.trim() === '' || history.length > options.historyThreshold) return undefined;
  const embedded = before.filter(
    ({ role }) => (isSystem(role) ? options.systemPrompt : options.history) === 'embedded',
  );
  const exact = before.filter(({ role }) => (isSystem(role) ? options.systemPrompt : options.history) === 'exact');
  const text = [...embedded.map(({ role, blocks }) => `${role}: ${textOf(blocks)}`), asked].join('\n');
  if (text.length > options.maxTextLength) return undefined;
  const same = [
    options.model,
    options.dimensions ?? 0,
    surroundingsOf(request, options),
    parametersOf(conversation),
    exact,
    embedded.flatMap(({ blocks }) => blocks.filter(isNoText)),
    last.blocks.filter(isNoText),
    options.exactNumbers ? (text.match(/\d+(?:[.,:/-]\d+)*/g) ?? []).sort() : [],
  ];
  return { text, partition: hash('sha256', canonical(same), 'hex') };
}

function surroundingsOf({ surroundings }: CacheRequest, { byModel, byProvider }: SemanticCacheOptions): JsonValue[] {
  const parts = JSON.parse(surroundings) as JsonValue[];
  if (!byModel) parts[modelAt] = '';
  if (!byProvider) parts[providerAt] = parts[baseUrlAt] = '';
  return parts;
}

/** Everything but the words; of the temperature only whether it is none, usual or high. */
function parametersOf(conversation: Conversation): unknown {
  const kept = Object.entries(conversation).filter(([name]) => !immaterial.has(name) && name !== 'carry');
  const carry = Object.entries(conversation.carry ?? {}).map(([dialect, fields]) => [
    dialect,
    Object.fromEntries(Object.entries(fields ?? {}).filter(([name]) => !tags.has(name))),
  ]);
  const { temperature, ...sampling } = conversation.sampling ?? {};
  return { ...Object.fromEntries(kept), carry, sampling: { ...sampling, temperature: temperatureClass(temperature) } };
}

function temperatureClass(temperature: number | undefined): string {
  if (temperature === undefined) return 'usual';
  return temperature === 0 ? 'none' : temperature <= 1 ? 'usual' : 'high';
}

function isSystem(role: Message['role']): boolean {
  return role === 'system' || role === 'developer';
}

function isNoText({ type }: Block): boolean {
  return type !== 'text';
}

function textOf(blocks: readonly Block[]): string {
  return blocks.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
}

/** JSON with its keys sorted; media as they are, since the whole is hashed. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}
