import type { RecordDimension, RecordFilter } from '../../../plugin-sdk/ports/records.ts';
import { type Block, type BlockHead, flags, type WordColumn } from './block.ts';
import type { Words } from './words.ts';

/** A filter made ready for columns. */
export interface Matcher {
  /** No record of this block can match. */
  skips(head: BlockHead): boolean;
  matches(block: Block, place: number): boolean;
}

/** `undefined` when nothing can match, because a text that is asked for was never recorded. */
export function matcher(filter: RecordFilter, words: Words): Matcher | undefined {
  const from = filter.from ?? Number.NEGATIVE_INFINITY;
  const to = filter.to ?? Number.POSITIVE_INFINITY;
  const tests: ((block: Block, place: number) => boolean)[] = [];
  for (const [name, values] of Object.entries(filter.is ?? {})) {
    const test = isOneOf(name as RecordDimension, values ?? [], words);
    if (test === undefined) return undefined;
    tests.push(test);
  }
  if (filter.stream !== undefined) {
    const wanted = filter.stream ? flags.stream : 0;
    tests.push((block, place) => (block.flags[place]! & flags.stream) === wanted);
  }
  if (filter.failed !== undefined) {
    const { failed } = filter;
    tests.push((block, place) => block.isFailed(place) === failed);
  }
  if (filter.unknownCost !== undefined) {
    const { unknownCost } = filter;
    tests.push((block, place) => Number.isNaN(block.cost[place]!) === unknownCost);
  }
  between(tests, filter.minDurationMs, filter.maxDurationMs, (block, place) => block.duration[place]!);
  between(tests, filter.minTokens, filter.maxTokens, (block, place) => block.input[place]! + block.output[place]!);
  between(tests, filter.minCost, filter.maxCost, (block, place) => block.cost[place]!);
  return {
    skips: (head) => head.rows === 0 || head.to < from || head.from >= to,
    matches(block, place) {
      if ((block.flags[place]! & flags.kept) === 0) return false;
      const time = block.time[place]!;
      if (time < from || time >= to) return false;
      for (const test of tests) if (!test(block, place)) return false;
      return true;
    },
  };
}

function isOneOf(
  name: RecordDimension,
  values: readonly string[],
  words: Words,
): ((block: Block, place: number) => boolean) | undefined {
  if (name === 'status') {
    const statuses = new Set(values.map(Number));
    return (block, place) => statuses.has(block.status[place]!);
  }
  const column: WordColumn = name;
  const numbers = values.map((value) => words.find(value)).filter((number) => number !== undefined);
  if (numbers.length === 0) return undefined;
  const [only] = numbers;
  if (numbers.length === 1) return (block, place) => block.words[column][place] === only;
  const set = new Set(numbers);
  return (block, place) => set.has(block.words[column][place]!);
}

function between(
  tests: ((block: Block, place: number) => boolean)[],
  min: number | undefined,
  max: number | undefined,
  measure: (block: Block, place: number) => number,
): void {
  if (min !== undefined) tests.push((block, place) => measure(block, place) >= min);
  if (max !== undefined) tests.push((block, place) => measure(block, place) <= max);
}
