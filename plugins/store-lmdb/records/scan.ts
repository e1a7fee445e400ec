import { setImmediate } from 'node:timers/promises';
import type { RecordFilter } from '../../../plugin-sdk/ports/records.ts';
import { Block, type BlockHead, rowsPerBlock } from './block.ts';
import type { RecordFiles } from './files.ts';
import { type Matcher, matcher } from './match.ts';
import { metadataOf } from './row.ts';
import { rowOfId, type TextSearch, textSearch } from './text.ts';

/** Longest that a search keeps the process from its requests. */
const sliceMs = 4;

export interface NumberedHead extends BlockHead {
  readonly number: number;
}

/** Every block's head, oldest block first. */
export function headsOf(files: RecordFiles): NumberedHead[] {
  const heads: NumberedHead[] = [];
  for (const { key, value } of files.heads.getRange({})) heads.push({ number: key, ...value });
  return heads;
}

/**
 * Calls back for every row that matches, block by block in the order given. `wanted` is asked before each block: false
 * ends the search. Gives way to requests every few milliseconds.
 */
export async function scanBlocks(
  files: RecordFiles,
  filter: RecordFilter,
  heads: readonly NumberedHead[],
  found: (block: Block, place: number, row: number) => void,
  wanted: (head: NumberedHead) => boolean = () => true,
): Promise<void> {
  const match = matcher(filter, files.words);
  if (match === undefined) return;
  const only = filter.text === undefined ? undefined : rowOfId(files, filter.text);
  const search = filter.text === undefined ? undefined : searchFor(files, filter.text, only);
  const block = new Block();
  let started = performance.now();
  for (const head of heads) {
    if (match.skips(head) || (only !== undefined && Math.floor(only / rowsPerBlock) !== head.number)) continue;
    if (!wanted(head)) return;
    scanBlock(files, filter, match, search, block, head.number, found);
    if (performance.now() - started > sliceMs) {
      await setImmediate();
      started = performance.now();
    }
  }
}

/** Whoever names a whole id wants that record, at once. */
function searchFor(files: RecordFiles, text: string, only: number | undefined): TextSearch {
  return only === undefined ? textSearch(files, text) : (_block, _place, row) => row === only;
}

function scanBlock(
  files: RecordFiles,
  filter: RecordFilter,
  match: Matcher,
  search: TextSearch | undefined,
  block: Block,
  number: number,
  found: (block: Block, place: number, row: number) => void,
): void {
  block.load(files.blocks.getBinaryFast(number));
  const { rows } = block.head;
  const metadata = Object.entries(filter.metadata ?? {});
  for (let place = 0; place < rows; place++) {
    if (!match.matches(block, place)) continue;
    const row = number * rowsPerBlock + place;
    if (metadata.length > 0 && !hasMetadata(files.rows.get(row), metadata)) continue;
    if (search !== undefined && !search(block, place, row)) continue;
    found(block, place, row);
  }
}

function hasMetadata(row: string | undefined, wanted: readonly [string, string][]): boolean {
  // Parsing is dear and most rows do not hold the values at all.
  if (row === undefined || !wanted.every(([, value]) => row.includes(JSON.stringify(value)))) return false;
  const metadata = metadataOf(row);
  return wanted.every(([name, value]) => metadata[name] === value);
}
