import type { TestContext } from 'node:test';
import type { DialectId } from '../../plugin-sdk/dialects/dialect.ts';
import { chatDialects } from './recorded-chats.ts';

/** Counts of what was compared between two dialects; printed as a table source × target. */
export class Matrix {
  readonly #counts = new Map<string, { equal: number; refused: number }>();

  count(source: DialectId, target: DialectId, what: 'equal' | 'refused'): void {
    const key = `${source} ${target}`;
    const known = this.#counts.get(key) ?? { equal: 0, refused: 0 };
    known[what]++;
    this.#counts.set(key, known);
  }

  /** Cells are `equal / checked`, with the number of refusals behind a dash. */
  print(t: TestContext, title: string): void {
    const ids = chatDialects.map(({ id }) => id);
    const row = (cells: readonly string[]): string => cells.map((cell) => cell.padEnd(23)).join('');
    t.diagnostic(`${title}: equal / checked`);
    t.diagnostic(row(['from \\ to', ...ids]));
    for (const source of ids) t.diagnostic(row([source, ...ids.map((target) => this.#cell(source, target))]));
  }

  #cell(source: DialectId, target: DialectId): string {
    const counts = this.#counts.get(`${source} ${target}`);
    if (counts === undefined) return '';
    const refusals = counts.refused === 0 ? '' : ` (${counts.refused} refused)`;
    return `${counts.equal} / ${counts.equal + counts.refused}${refusals}`;
  }
}
