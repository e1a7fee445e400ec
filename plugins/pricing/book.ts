import type { BookEntry, BookFile, PeakHours } from './book-file.ts';
import type { FamilySize } from './entry.ts';
import { type NamePattern, namePattern } from './name-pattern.ts';
import { type PriceList, priceList, scaledList } from './rates.ts';

interface Dated {
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly list: PriceList;
  readonly peak: { readonly hours: PeakHours; readonly list: PriceList } | undefined;
}

interface Model {
  readonly pattern: NamePattern;
  /** Latest first. */
  readonly dated: readonly Dated[];
}

interface Family {
  readonly pattern: NamePattern;
  readonly size: FamilySize;
}

interface Shelf {
  readonly models: ReadonlyMap<string, Model>;
  /** Closest first. */
  readonly patterns: readonly Model[];
  /** Closest first. */
  readonly families: readonly Family[];
  readonly prefixes: readonly string[];
  readonly snapshots: readonly RegExp[];
  readonly extends: readonly string[];
}

/** What the book says about a name; remembered, since the same few are asked for again and again. */
interface Found {
  readonly model: Model | undefined;
  readonly size: FamilySize;
}

/** Names of one provider: clients choose them, so what is remembered of them is bounded. */
const maxRemembered = 5_000;

/** A file of the book, read only when a price of its provider is asked for. */
export interface BookSource {
  readonly provider: string;
  readonly read: () => BookFile;
}

/** Published prices and sizes by provider and model, prices also by day. */
export class PriceBook {
  readonly version: string;
  readonly #sources: readonly BookSource[];
  readonly #shelves = new Map<string, Shelf>();
  /** By provider and model. */
  readonly #remembered = new Map<string, Map<string, Found>>();

  constructor(sources: readonly BookSource[], version: string) {
    this.version = version;
    this.#sources = sources;
  }

  /** Prices of a model that held at a time, in milliseconds since 1970; `undefined` when the book has none. */
  find(provider: string, model: string, at: number): PriceList | undefined {
    const dated = this.#lookUp(provider, model).model?.dated.find((one) => one.from <= at);
    return dated?.peak !== undefined && isPeak(dated.peak.hours, at) ? dated.peak.list : dated?.list;
  }

  /** Sizes of a model; empty when the book knows none. */
  sizeOf(provider: string, model: string): FamilySize {
    return this.#lookUp(provider, model).size;
  }

  #lookUp(provider: string, model: string): Found {
    let byModel = this.#remembered.get(provider);
    if (byModel === undefined) this.#remembered.set(provider, (byModel = new Map()));
    let found = byModel.get(model);
    if (found === undefined) {
      found = {
        model: this.#search(provider, model, priced, new Set()),
        size: this.#search(provider, model, sized, new Set()) ?? {},
      };
      if (byModel.size >= maxRemembered) byModel.clear();
      byModel.set(model, found);
    }
    return found;
  }

  /** Throws RangeError naming the model when a price in the file cannot be read. */
  #shelfOf(provider: string): Shelf | undefined {
    let shelf = this.#shelves.get(provider);
    if (shelf !== undefined) return shelf;
    const source = this.#sources.find((one) => one.provider === provider);
    if (source === undefined) return undefined;
    shelf = shelfOf(source.read(), this.version);
    this.#shelves.set(provider, shelf);
    return shelf;
  }

  #search<T>(provider: string, model: string, read: ReadShelf<T>, seen: ReadonlySet<string>): T | undefined {
    const shelf = this.#shelfOf(provider);
    if (shelf === undefined || seen.has(provider) || model === '') return undefined;
    const names = namesOf(model, shelf);
    for (const name of names) {
      const own = read(shelf, name);
      if (own !== undefined) return own;
    }
    for (const other of shelf.extends) {
      for (const name of names) {
        const found = this.#search(other, name, read, new Set([...seen, provider]));
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }
}

type ReadShelf<T> = (shelf: Shelf, name: string) => T | undefined;

const priced: ReadShelf<Model> = (shelf, name) =>
  shelf.models.get(name) ?? shelf.patterns.find((one) => one.pattern.matches(name));

const sized: ReadShelf<FamilySize> = (shelf, name) => shelf.families.find((one) => one.pattern.matches(name))?.size;

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

function shelfOf(file: BookFile, version: string): Shelf {
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
    families: (file.families ?? [])
      .flatMap(({ models: names, ...size }) => names.map((name) => ({ pattern: namePattern(name), size })))
      .sort((a, b) => b.pattern.weight - a.pattern.weight),
    prefixes: file.prefixes ?? [],
    snapshots: (file.snapshots ?? []).map((source) => new RegExp(source)),
    extends: file.extends ?? [],
  };
}

function dated(file: BookFile, entry: BookEntry, version: string): Dated {
  const { model, from, sameAs: _, peak, ...fields } = entry;
  const serviceTiers = { ...file.serviceTiers, ...fields.serviceTiers };
  try {
    const list = priceList({ ...fields, serviceTiers }, version, file.derived);
    return {
      from: from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(`${from}T00:00:00Z`),
      list,
      peak: peak && { hours: peak, list: scaledList(list, peak.multiplier, version) },
    };
  } catch (cause) {
    throw new RangeError(`${file.provider}/${model}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

function isPeak({ hours, weekdays }: PeakHours, at: number): boolean {
  const time = new Date(at);
  if (weekdays && time.getUTCDay() % 6 === 0) return false;
  const hour = time.getUTCHours();
  return hours.some(([from, to]) => hour >= from && hour < to);
}

function latestFirst(a: Dated, b: Dated): number {
  return b.from === a.from ? 0 : b.from > a.from ? 1 : -1;
}
