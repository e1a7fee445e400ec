import type { Usage } from '../../../plugin-sdk/index.ts';
import type { ExchangeRecord, RecordedAttempt } from '../../../plugin-sdk/ports/records.ts';
import { type Block, flags, noCost, type WordColumn, wordColumns } from './block.ts';
import type { Words } from './words.ts';

/** The tokens and pieces that have no column, in the order in which a row keeps them. */
const rarer = [
  'total',
  'cacheWriteInput',
  'cacheWriteLongInput',
  'reasoning',
  'audioInput',
  'audioOutput',
  'imageInput',
  'imageOutput',
  'images',
  'audioSeconds',
  'characters',
  'searches',
  'serviceTier',
] as const satisfies readonly (keyof Usage)[];

type Cell = unknown;

/** What of a record has no column: positional, the empty end cut off. JSON text, some 250 bytes for a usual record. */
export function encodeRow(record: ExchangeRecord): string {
  const { caller, links, usage } = record;
  return JSON.stringify(
    trimmed([
      record.id,
      caller.kind,
      caller.name,
      rounded(record.queueMs),
      rounded(record.connectMs),
      rounded(record.firstByteMs),
      record.chunks,
      record.bytesIn,
      record.bytesOut,
      record.generation,
      record.priceVersion,
      record.attempts.map(encodeAttempt),
      usage === undefined ? undefined : trimmed(rarer.map((name) => usage[name])),
      record.lossy.length === 0 ? undefined : record.lossy,
      Object.keys(record.metadata).length === 0 ? undefined : record.metadata,
      links.job,
      links.parent,
      links.response,
      record.decisions.length === 0
        ? undefined
        : record.decisions.map((one) => trimmed([rounded(one.atMs), one.by, one.what, one.details])),
    ]),
  );
}

/** Writes a record's columns at a place of a block. */
export function fillColumns(block: Block, place: number, record: ExchangeRecord, words: Words): void {
  const { usage } = record;
  block.time[place] = record.time;
  block.cost[place] = record.cost === 'unknown' ? Number.NaN : (record.cost ?? noCost);
  block.duration[place] = record.durationMs;
  block.firstContent[place] = record.firstContentMs ?? Number.NaN;
  block.input[place] = usage?.input ?? 0;
  block.output[place] = usage?.output ?? 0;
  block.cached[place] = usage?.cachedInput ?? 0;
  block.status[place] = record.status;
  for (const column of wordColumns) block.words[column][place] = words.number(wordOf(record, column) ?? '');
  block.flags[place] =
    flags.kept |
    (record.stream ? flags.stream : 0) |
    (record.clientGone ? flags.clientGone : 0) |
    (usage === undefined ? 0 : flags.usage) |
    (record.content === undefined ? 0 : flags.content);
}

/** A record from its row and its place in a block, without content. */
export function decodeRecord(row: string, block: Block, place: number, words: Words): ExchangeRecord {
  const cells = JSON.parse(row) as Cell[];
  const word = (column: WordColumn): string | undefined => {
    const number = block.words[column][place]!;
    return number === 0 ? undefined : words.text(number);
  };
  const flag = block.flags[place]!;
  const cost = block.cost[place]!;
  const firstContent = block.firstContent[place]!;
  return defined<ExchangeRecord>({
    id: cells[0],
    time: block.time[place],
    operation: word('operation') ?? '',
    dialect: word('dialect') ?? '',
    stream: (flag & flags.stream) !== 0,
    caller: defined({
      id: word('caller') ?? '',
      kind: cells[1],
      name: cells[2],
      team: word('team'),
      customer: word('customer'),
    }),
    clientModel: word('clientModel'),
    provider: word('provider'),
    model: word('model'),
    key: word('key'),
    status: block.status[place],
    error: word('error'),
    finish: word('finish'),
    origin: word('origin'),
    clientGone: (flag & flags.clientGone) !== 0,
    durationMs: rounded(block.duration[place]),
    queueMs: cells[3],
    connectMs: cells[4],
    firstContentMs: Number.isNaN(firstContent) ? undefined : rounded(firstContent),
    firstByteMs: cells[5],
    attempts: ((cells[11] ?? []) as Cell[][]).map(decodeAttempt),
    usage: (flag & flags.usage) === 0 ? undefined : decodeUsage(block, place, (cells[12] ?? []) as Cell[]),
    cost: Number.isNaN(cost) ? 'unknown' : cost === noCost ? undefined : cost,
    priceVersion: cells[10],
    chunks: cells[6] ?? 0,
    bytesIn: cells[7] ?? 0,
    bytesOut: cells[8] ?? 0,
    lossy: cells[13] ?? [],
    links: defined({ cache: word('cache'), job: cells[15], parent: cells[16], response: cells[17] }),
    metadata: cells[14] ?? {},
    generation: cells[9] ?? '',
    decisions: ((cells[18] ?? []) as Cell[][]).map((one) =>
      defined({ atMs: one[0], by: one[1], what: one[2], details: one[3] }),
    ),
  });
}

/** The same row with another version of the price. */
export function withPriceVersion(row: string, version: string | undefined): string {
  const cells = JSON.parse(row) as Cell[];
  cells[10] = version ?? null;
  return JSON.stringify(cells);
}

export function idOf(row: string): string {
  return (JSON.parse(row) as Cell[])[0] as string;
}

export function responseIdOf(row: string): string | undefined {
  return ((JSON.parse(row) as Cell[])[17] as string | null | undefined) ?? undefined;
}

export function metadataOf(row: string): Readonly<Record<string, string>> {
  return ((JSON.parse(row) as Cell[])[14] ?? {}) as Record<string, string>;
}

/** What a row says in words that a person may look for: ids, names, errors of attempts, metadata. */
export function textsOf(row: string): string[] {
  const cells = JSON.parse(row) as Cell[];
  const attempts = ((cells[11] ?? []) as Cell[][]).map(decodeAttempt);
  const metadata = Object.entries((cells[14] ?? {}) as Record<string, string>);
  return [
    ...[cells[0], cells[2], cells[15], cells[16], cells[17]],
    ...attempts.flatMap(({ provider, model, key, error }) => [provider, model, key, error]),
    ...metadata.flat(),
  ].filter((text) => typeof text === 'string');
}

function wordOf(record: ExchangeRecord, column: WordColumn): string | undefined {
  if (column === 'caller') return record.caller.id;
  if (column === 'team' || column === 'customer') return record.caller[column];
  if (column === 'cache') return record.links.cache;
  return record[column];
}

function encodeAttempt(attempt: RecordedAttempt): Cell[] {
  return trimmed([
    attempt.provider,
    attempt.model,
    attempt.key,
    attempt.result,
    rounded(attempt.durationMs),
    rounded(attempt.firstContentMs),
    attempt.status,
    attempt.error,
    rounded(attempt.startedMs),
  ]);
}

function decodeAttempt(cells: Cell[]): RecordedAttempt {
  return defined({
    provider: cells[0],
    model: cells[1],
    key: cells[2],
    result: cells[3],
    durationMs: cells[4],
    firstContentMs: cells[5],
    status: cells[6],
    error: cells[7],
    startedMs: cells[8],
  });
}

function decodeUsage(block: Block, place: number, cells: Cell[]): Usage {
  const cached = block.cached[place]!;
  const usage: Record<string, unknown> = {
    input: block.input[place],
    output: block.output[place],
    cachedInput: cached === 0 ? undefined : cached,
  };
  rarer.forEach((name, index) => {
    usage[name] = cells[index];
  });
  return defined(usage);
}

/** Without members that are absent; the caller's type says which may be. */
function defined<T>(value: Record<string, unknown>): T {
  const result: Record<string, unknown> = {};
  for (const name in value) if (value[name] !== undefined && value[name] !== null) result[name] = value[name];
  return result as T;
}

function trimmed(cells: Cell[]): Cell[] {
  let length = cells.length;
  while (length > 0 && cells[length - 1] === undefined) length--;
  cells.length = length;
  return cells;
}

function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 100) / 100;
}
