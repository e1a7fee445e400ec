import { z } from 'zod';
import { family, prices, serviceTier, usd } from './entry.ts';

const day = z.iso.date();

const hour = z.number().int().min(0).max(24);

/** Hours in which every price of an entry is another. */
const peak = z.strictObject({
  /** UTC, each from the first up to the second. */
  hours: z.array(z.tuple([hour, hour])).min(1),
  /** Monday to Friday only. */
  weekdays: z.boolean(),
  multiplier: usd,
});

const bookEntry = z.strictObject({
  /** Exact name, or a pattern with one `*`. */
  model: z.string().min(1),
  /** First day (UTC) on which these prices hold; always, when absent. */
  from: day.optional(),
  /** Another entry of the same file whose prices, with all their dates, this one has. */
  sameAs: z.string().optional(),
  peak: peak.optional(),
  ...prices,
});

/** One provider's prices. What ships is held to this by a test, so that no start spends its time on it. */
export const bookFileSchema = z.strictObject({
  provider: z.string(),
  /** Day on which someone last compared the file with the provider's own list. */
  checked: day,
  /** Providers whose prices hold for models that this file does not name. */
  extends: z.array(z.string()).optional(),
  /** Prefixes of a model's name that do not change its price, such as a region. */
  prefixes: z.array(z.string()).optional(),
  /** Regular expressions for the end of a name that do not change its price, such as a snapshot's date. */
  snapshots: z.array(z.string()).optional(),
  /** Prices that follow from `input` by a factor where an entry does not state them. */
  derived: z
    .strictObject({ cachedInput: usd.optional(), cacheWrite: usd.optional(), cacheWriteLong: usd.optional() })
    .optional(),
  /** For every entry that does not say otherwise under the same word. */
  serviceTiers: z.record(z.string(), serviceTier).optional(),
  models: z.array(bookEntry),
  /** Sizes of models, whether they have a price here or not. */
  families: z.array(family).optional(),
  /** Where the file's numbers come from, and which of them nobody could check. */
  notes: z.array(z.string()).optional(),
});

export type BookEntry = z.output<typeof bookEntry>;
export type PeakHours = z.output<typeof peak>;
export type BookFile = z.output<typeof bookFileSchema>;
