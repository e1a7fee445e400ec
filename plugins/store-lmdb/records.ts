import { GatewayError, type Host } from '../../plugin-sdk/index.ts';
import type {
  AggregateQuery,
  ExchangeRecord,
  RecordCost,
  RecordedContent,
  RecordFilter,
  RecordGroup,
  RecordPage,
  RecordQuery,
  RecordStats,
  Records,
  StoredResponse,
} from '../../plugin-sdk/ports/records.ts';
import { appendRecords, save, transaction } from './records/append.ts';
import { Block, flags, rowsPerBlock } from './records/block.ts';
import { idKey, openRecordFiles, type RecordFiles, responseKey } from './records/files.ts';
import { Groups } from './records/group.ts';
import { pruneRecords } from './records/prune.ts';
import { decodeRecord, withPriceVersion } from './records/row.ts';
import { headsOf, scanBlocks } from './records/scan.ts';
import { type Place, Top } from './records/top.ts';

/** Records in an LMDB environment of their own, under `<dataDir>/records`; see `records/block.ts` for how they are searched. */
export class LmdbRecords implements Records {
  readonly #files: RecordFiles;

  constructor(host: Host, mapBytes: number) {
    this.#files = openRecordFiles(host, mapBytes);
  }

  async append(records: readonly ExchangeRecord[]): Promise<void> {
    if (records.length > 0) await appendRecords(this.#files, records);
  }

  get(id: string): ExchangeRecord | undefined {
    const row = this.#files.ids.get(idKey(id));
    const record = row === undefined ? undefined : this.#read(row, new Block());
    return record === undefined ? undefined : this.#withContent(record, row!);
  }

  async query(query: RecordQuery): Promise<RecordPage> {
    const { filter, sort, order, limit } = query;
    const top = new Top(limit + 1, order, query.cursor === undefined ? undefined : readCursor(query.cursor));
    const heads = headsOf(this.#files);
    if (order === 'desc') heads.reverse();
    const later = order === 'desc' ? (a: number, b: number) => a < b : (a: number, b: number) => a > b;
    // In order of time, a page is full when no block to come reaches into it. Blocks overlap a little, so what counts is
    // the furthest that any of them reaches.
    const reach = sort === 'time' ? furthest(heads, order) : [];
    let index = 0;
    await scanBlocks(
      this.#files,
      filter,
      heads,
      (block, place, row) => top.offer(sortValue(block, place, sort), row),
      (head) => {
        while (heads[index] !== head) index++;
        const { bound } = top;
        return sort !== 'time' || bound === undefined || !later(reach[index]!, bound);
      },
    );
    const places = top.inOrder();
    const page = places.slice(0, limit);
    const block = new Block();
    const records = page.map(({ row }) => this.#read(row, block)).filter((record) => record !== undefined);
    return places.length > limit ? { records, next: writeCursor(page.at(-1)!) } : { records };
  }

  async aggregate(query: AggregateQuery): Promise<RecordGroup[]> {
    const groups = new Groups(query, this.#files.words);
    await scanBlocks(this.#files, query.filter, headsOf(this.#files), (block, place) => groups.add(block, place));
    return groups.result();
  }

  async *scan(filter: RecordFilter, withContent: boolean): AsyncGenerator<ExchangeRecord> {
    for (const head of headsOf(this.#files)) {
      const found: { row: number; record: ExchangeRecord }[] = [];
      await scanBlocks(this.#files, filter, [head], (block, place, row) => {
        const text = this.#files.rows.get(row);
        if (text !== undefined) found.push({ row, record: decodeRecord(text, block, place, this.#files.words) });
      });
      for (const { row, record } of found) yield withContent ? this.#withContent(record, row) : record;
    }
  }

  follow(position: number | undefined, limit: number): { records: ExchangeRecord[]; position: number } {
    const next = this.#files.counters.get('next') ?? 0;
    if (position === undefined || position >= next) return { records: [], position: next };
    const end = Math.min(next, position + limit);
    const block = new Block();
    const records: ExchangeRecord[] = [];
    for (let row = position; row < end; row++) {
      if (row === position || row % rowsPerBlock === 0) this.#load(row, block);
      const record = this.#decode(row, block);
      if (record !== undefined) records.push(record);
    }
    return { records, position: end };
  }

  findResponse(id: string, callerId: string): StoredResponse | undefined {
    const row = this.#files.ids.get(responseKey(id));
    const record = row === undefined ? undefined : this.#read(row, new Block());
    if (record === undefined || record.caller.id !== callerId || record.links.response !== id) return undefined;
    const { content } = this.#withContent(record, row!);
    if (content === undefined || content.truncated || content.request === undefined || content.response === undefined)
      return undefined;
    return { id, time: record.time, request: content.request, response: content.response };
  }

  async setCosts(costs: readonly RecordCost[]): Promise<void> {
    await transaction(this.#files, () => {
      const block = new Block();
      for (const { id, cost, priceVersion } of costs) {
        const row = this.#files.ids.get(id);
        const text = row === undefined ? undefined : this.#files.rows.get(row);
        if (row === undefined || text === undefined) continue;
        const number = Math.floor(row / rowsPerBlock);
        block.load(this.#files.blocks.getBinary(number));
        block.cost[row % rowsPerBlock] = cost === 'unknown' ? Number.NaN : cost;
        save(this.#files, number, block);
        this.#files.rows.put(row, withPriceVersion(text, priceVersion));
      }
    });
  }

  prune(limits: { readonly before?: number; readonly maxBytes?: number }): Promise<number> {
    return pruneRecords(this.#files, limits);
  }

  stats(): RecordStats {
    const heads = headsOf(this.#files);
    const kept = heads.filter((head) => head.bytes > 0);
    const { entryCount } = this.#files.rows.getStats() as { entryCount: number };
    return {
      records: entryCount,
      bytes: heads.reduce((sum, head) => sum + head.bytes, 0),
      oldest:
        kept.length === 0
          ? undefined
          : kept.reduce((from, head) => Math.min(from, head.from), Number.POSITIVE_INFINITY),
    };
  }

  #read(row: number, block: Block): ExchangeRecord | undefined {
    this.#load(row, block);
    return this.#decode(row, block);
  }

  #load(row: number, block: Block): void {
    block.load(this.#files.blocks.getBinaryFast(Math.floor(row / rowsPerBlock)));
  }

  /** A record whose block is loaded. */
  #decode(row: number, block: Block): ExchangeRecord | undefined {
    const text = this.#files.rows.get(row);
    const place = row % rowsPerBlock;
    if (text === undefined || (block.flags[place]! & flags.kept) === 0) return undefined;
    return decodeRecord(text, block, place, this.#files.words);
  }

  #withContent(record: ExchangeRecord, row: number): ExchangeRecord {
    const content = this.#files.contents.get(row);
    return content === undefined ? record : { ...record, content: JSON.parse(content) as RecordedContent };
  }
}

function sortValue(block: Block, place: number, sort: RecordQuery['sort']): number {
  if (sort === 'time') return block.time[place]!;
  if (sort === 'duration') return block.duration[place]!;
  if (sort === 'tokens') return block.input[place]! + block.output[place]!;
  const cost = block.cost[place]!;
  return Number.isNaN(cost) ? 0 : Math.max(0, cost);
}

/** For each block in the order of the search: the extreme time of it and of all that come after it. */
function furthest(heads: readonly { readonly from: number; readonly to: number }[], order: 'asc' | 'desc'): number[] {
  const reach: number[] = new Array(heads.length);
  let far = order === 'desc' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  for (let i = heads.length - 1; i >= 0; i--) {
    far = order === 'desc' ? Math.max(far, heads[i]!.to) : Math.min(far, heads[i]!.from);
    reach[i] = far;
  }
  return reach;
}

function writeCursor(place: Place): string {
  return Buffer.from(JSON.stringify([place.value, place.row])).toString('base64url');
}

function readCursor(cursor: string): Place {
  try {
    const [value, row] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (typeof value === 'number' && typeof row === 'number') return { value, row };
  } catch {
    // Whatever it was, it is not one of ours.
  }
  throw new GatewayError(
    'REQ_INVALID',
    { reason: 'The cursor is not one that this endpoint gave.' },
    { param: 'cursor' },
  );
}
