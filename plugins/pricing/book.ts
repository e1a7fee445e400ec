import { type BookEntry, type BookFile, bookFileSchema } from './entry.ts';
import { type NamePattern, namePattern } from './name-pattern.ts';
import { type PriceList, priceList } from './rates.ts';

interface Dated {
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly list: PriceList;
}

interface Model {
  readonly pattern: NamePattern;
  /** Latest first. */
  readonly dated: readonly Dated[];
}

interface Shelf {
  readonly models: ReadonlyMap<string, Model>;
  /** Closest first. */
  readonly patterns: readonly Model[];
  readonly prefixes: readonly string[];
  readonly snapshots: readonly RegExp[];
  readonly extends: readonly string[];
}

/** Clients choose model names, so what is remembered of them is bounded. */
const maxRemembered = 5_000;

/** Published prices by provider, model and day. */
export class PriceBook {
  readonly version: string;
  readonly #shelves = new Map<string, Shelf>();
  readonly #remembered = new Map<string, Model | undefined>();

  /** Throws ZodError or RangeError naming the file and model when a price cannot be read. */
  constructor(files: readonly unknown[], version: string) {
    this.version = version;
    for (const file of files) {
      const checked = bookFileSchema.parse(file);
      this.#shelves.set(checked.provider, shelf(checked, version));
    }
  }

  get providers(): readonly string[] {
    return [...this.#shelves.keys()];
  }

  /** Prices of a model that held at a time, in milliseconds since 1970; `undefined` when the book has none. */
  find(provider: string, model: string, at: number): PriceList | undefined {
    const key = `${provider}\n${model}`;
    let found = this.#remembered.get(key);
    if (found === undefined && !this.#remembered.has(key)) {
      found = this.#search(provider, model, new Set());
      if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
      this.#remembered.set(key, found);
    }
    return found?.dated.find((one) => one.from <= at)?.list;
  }

  #search(provider: string, model: string, seen: Set<string>): Model | undefined {
    const shelf = this.#shelves.get(provider);
    if (shelf === undefined || seen.has(provider) || model === '') return undefined;
    seen.add(provider);
    const names = namesOf(model, shelf);
    for (const name of names) {
      const own = shelf.models.get(name) ?? shelf.patterns.find((one) => one.pattern.matches(name));
      if (own !== undefined) return own;
    }
    for (const other of shelf.extends) {
      for (const name of names) {
        const found = this.#search(other, name, new Set(seen));
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }
}

/** A model's name as it is, then with what does not change its price taken off, a piece at a time. */
function namesOf(model: string, shelf: Shelf): string[] {
  const names = [model];
  for (const name of names) {
    for (const prefix of shelf.prefixes) {
      if (name.startsWith(prefix)) add(names, name.slice(prefix.length));
    }
    for (const snapshot of shelf.snapshots) add(names, name.replace(snapshot, ''));
  }
  return names;
}

function add(names: string[], name: string): void {
  if (name !== '' && !names.includes(name)) names.push(name);
}

function shelf(file: BookFile, version: string): Shelf {
  const byName = new Map<string, BookEntry[]>();
  for (const entry of file.models) byName.set(entry.model, [...(byName.get(entry.model) ?? []), entry]);
  const models = new Map<string, Model>();
  for (const [name, entries] of byName) {
    const source = entries[0]!.sameAs === undefined ? entries : byName.get(entries[0]!.sameAs);
    if (source === undefined || source[0]!.sameAs !== undefined) {
      throw new RangeError(`${file.provider}/${name}: sameAs names no entry with prices`);
    }
    models.set(name, {
      pattern: namePattern(name),
      dated: source.map((entry) => dated(file, entry, version)).sort(latestFirst),
    });
  }
  return {
    models,
    patterns: [...models.values()]
      .filter((one) => !one.pattern.exact)
      .sort((a, b) => b.pattern.weight - a.pattern.weight),
    prefixes: file.prefixes ?? [],
    snapshots: (file.snapshots ?? []).map((source) => new RegExp(source)),
    extends: file.extends ?? [],
  };
}

function dated(file: BookFile, entry: BookEntry, version: string): Dated {
  const { model, from, sameAs: _, ...fields } = entry;
  const serviceTiers = { ...file.serviceTiers, ...fields.serviceTiers };
  try {
    return {
      from: from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(`${from}T00:00:00Z`),
      list: priceList({ ...fields, serviceTiers }, version, file.derived),
    };
  } catch (cause) {
    throw new RangeError(`${file.provider}/${model}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

function latestFirst(a: Dated, b: Dated): number {
  return b.from === a.from ? 0 : b.from > a.from ? 1 : -1;
}
