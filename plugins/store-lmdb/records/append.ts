import type { ExchangeRecord } from '../../../plugin-sdk/ports/records.ts';
import { commit } from '../commit.ts';
import { Block, rowsPerBlock } from './block.ts';
import { type RecordFiles, responseKey } from './files.ts';
import { encodeRow, fillColumns } from './row.ts';

/** Appends in the order given, in one transaction. Its work is not interrupted: some 10 µs of the process per record. */
export async function appendRecords(files: RecordFiles, records: readonly ExchangeRecord[]): Promise<void> {
  await transaction(files, () => {
    const block = new Block();
    let row = files.counters.get('next') ?? 0;
    let number = Math.floor(row / rowsPerBlock);
    block.load(files.blocks.getBinary(number));
    for (const record of records) {
      if (row % rowsPerBlock === 0 && row > 0) {
        save(files, number, block);
        number = row / rowsPerBlock;
        block.load(undefined);
      }
      place(files, block, row, record);
      row++;
    }
    save(files, number, block);
    files.counters.put('next', row);
  });
}

/** Runs a write transaction; what it learnt of the word list is forgotten when it does not commit. */
export async function transaction<T>(files: RecordFiles, work: () => T): Promise<T> {
  try {
    return await commit(files.root, work);
  } catch (cause) {
    files.words.forget();
    throw cause;
  }
}

export function save(files: RecordFiles, number: number, block: Block): void {
  files.blocks.put(number, Buffer.from(block.bytes));
  files.heads.put(number, block.head);
}

function place(files: RecordFiles, block: Block, row: number, record: ExchangeRecord): void {
  const text = encodeRow(record);
  let bytes = text.length;
  fillColumns(block, row % rowsPerBlock, record, files.words);
  files.rows.put(row, text);
  files.ids.put(record.id, row);
  if (record.links.response !== undefined) files.ids.put(responseKey(record.links.response), row);
  if (record.content !== undefined) {
    const content = JSON.stringify(record.content);
    bytes += content.length;
    files.contents.put(row, content);
  }
  block.grow(record.time, bytes);
}
