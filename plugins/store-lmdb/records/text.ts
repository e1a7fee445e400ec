import type { Block, WordColumn } from './block.ts';
import { idKey, type RecordFiles, responseKey } from './files.ts';
import { textsOf } from './row.ts';

/** Columns whose words are looked through. */
const searched = [
  'provider',
  'model',
  'clientModel',
  'key',
  'caller',
  'team',
  'customer',
  'error',
] as const satisfies readonly WordColumn[];

/** True of the rows in which a text occurs, whatever its case. */
export type TextSearch = (block: Block, place: number, row: number) => boolean;

/** The row that has this very id, or whose reply has. */
export function rowOfId(files: RecordFiles, id: string): number | undefined {
  return files.ids.get(idKey(id)) ?? files.ids.get(responseKey(id));
}

/** The word list says at once what columns hold; only where it does not, the row itself is looked at. */
export function textSearch(files: RecordFiles, text: string): TextSearch {
  const wanted = text.toLowerCase();
  const inWords = files.words.containing(wanted);
  // As it stands in a row's JSON. An expression takes half the time of a copy in lower case.
  const inRow = new RegExp(RegExp.escape(JSON.stringify(text).slice(1, -1)), 'i');
  return (block, place, row) => {
    for (const column of searched) if (inWords.has(block.words[column][place]!)) return true;
    const stored = files.rows.get(row);
    // Parsing is dear and most rows do not hold the text at all.
    if (stored === undefined || !inRow.test(stored)) return false;
    return textsOf(stored).some((one) => one.toLowerCase().includes(wanted));
  };
}
