import { setImmediate } from 'node:timers/promises';
import { save, transaction } from './append.ts';
import { Block, flags, rowsPerBlock } from './block.ts';
import { type RecordFiles, responseKey } from './files.ts';
import { idOf, responseIdOf } from './row.ts';
import { headsOf } from './scan.ts';

/** Removes old records, a block to a transaction, so that appending goes on in between. */
export async function pruneRecords(
  files: RecordFiles,
  limits: { readonly before?: number; readonly maxBytes?: number },
): Promise<number> {
  const before = limits.before ?? Number.NEGATIVE_INFINITY;
  const heads = headsOf(files);
  let excess = heads.reduce((sum, head) => sum + head.bytes, 0) - (limits.maxBytes ?? Number.POSITIVE_INFINITY);
  let removed = 0;
  for (const head of heads) {
    const whole = excess > 0 || head.to < before;
    if (!whole && head.from >= before) continue;
    removed += await transaction(files, () =>
      removeRows(files, head.number, whole ? Number.POSITIVE_INFINITY : before),
    );
    if (whole) excess -= head.bytes;
    await setImmediate();
  }
  return removed;
}

function removeRows(files: RecordFiles, number: number, before: number): number {
  const block = new Block();
  const stored = files.blocks.getBinary(number);
  if (stored === undefined) return 0;
  block.load(stored);
  const { rows } = block.head;
  let removed = 0;
  let bytes = 0;
  let left = 0;
  for (let place = 0; place < rows; place++) {
    if ((block.flags[place]! & flags.kept) === 0) continue;
    if (block.time[place]! >= before) {
      left++;
      continue;
    }
    bytes += removeRow(files, number * rowsPerBlock + place);
    block.flags[place]! &= ~flags.kept;
    removed++;
  }
  if (left === 0 && rows === rowsPerBlock) {
    files.blocks.remove(number);
    files.heads.remove(number);
  } else if (removed > 0) {
    block.shrink(bytes);
    save(files, number, block);
  }
  return removed;
}

/** Gives the bytes that went. */
function removeRow(files: RecordFiles, row: number): number {
  const text = files.rows.get(row);
  if (text === undefined) return 0;
  let bytes = text.length;
  const response = responseIdOf(text);
  if (files.ids.get(idOf(text)) === row) files.ids.remove(idOf(text));
  if (response !== undefined && files.ids.get(responseKey(response)) === row) files.ids.remove(responseKey(response));
  files.rows.remove(row);
  const content = files.contents.get(row);
  if (content !== undefined) {
    bytes += content.length;
    files.contents.remove(row);
  }
  return bytes;
}
