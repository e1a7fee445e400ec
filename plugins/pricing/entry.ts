import { z } from 'zod';

/** USD, as a decimal string (`"0.075"`) or a number. Strings are exact whatever their length. */
export const usd = z.union([
  z.string().regex(/^\d+(\.\d{1,15})?$/, 'a decimal such as "2.5"'),
  z.number().nonnegative(),
]);

/** USD per million tokens. */
const tokenPrices = {
  input: usd.optional(),
  /** Read from the prompt cache; `input` when absent. */
  cachedInput: usd.optional(),
  /** Written to the prompt cache; `input` when absent. */
  cacheWrite: usd.optional(),
  /** Written with a one-hour life; `cacheWrite` when absent. */
  cacheWriteLong: usd.optional(),
  audioInput: usd.optional(),
  imageInput: usd.optional(),
  output: usd.optional(),
  /** `output` when absent, as are the next two. */
  reasoning: usd.optional(),
  audioOutput: usd.optional(),
  imageOutput: usd.optional(),
};

const perImage = z.union([
  usd,
  /** The first line is the default: what a request does not say, or calls `auto`, is read from it. */
  z.array(z.strictObject({ size: z.string().optional(), quality: z.string().optional(), price: usd })).min(1),
]);

/** USD per one. */
const unitPrices = {
  perImage: perImage.optional(),
  perCharacter: usd.optional(),
  /** Of audio. */
  perSecond: usd.optional(),
  perRequest: usd.optional(),
  perSearch: usd.optional(),
};

const tier = z.strictObject({
  /** These prices hold for the whole call as soon as its input, cached tokens included, is larger than this. */
  aboveInputTokens: z.number().int().positive(),
  ...tokenPrices,
});

export const serviceTier = z.union([
  /** Scales every token, image, second and character price, context tiers included; not searches and requests. */
  z.strictObject({ multiplier: usd }),
  z.strictObject({ ...tokenPrices, tiers: z.array(tier).optional() }),
]);

/** A whole set of prices. What is absent has no price: a call that used it costs `unknown`. */
export const prices = {
  ...tokenPrices,
  ...unitPrices,
  tiers: z.array(tier).optional(),
  /** By the wire's word: `batch`, `flex`, `priority`, `fast`. */
  serviceTiers: z.record(z.string(), serviceTier).optional(),
  /** Most output tokens that one image takes, for reservations of models that price images in tokens. */
  imageTokens: z
    .array(
      z.strictObject({
        size: z.string().optional(),
        quality: z.string().optional(),
        tokens: z.number().int().positive(),
      }),
    )
    .optional(),
};

export const pricesSchema = z.strictObject(prices);

const tokenCount = z.number().int().positive();

/** How large calls can be: {@link ModelSize} of the prices port. */
export const sizes = {
  maxOutputTokens: tokenCount.optional().describe('Most output tokens of one answer, reasoning included.'),
  contextWindow: tokenCount.optional().describe('Most tokens of input and output together.'),
  ownInputTokens: tokenCount.optional().describe('Input tokens charged besides those of the request.'),
};

/** How large calls of the named models can be. */
export const family = z.strictObject({
  /** Exact names, or patterns with one `*`; the closest holds. */
  models: z.array(z.string().min(1)).min(1),
  ...sizes,
});

export type PriceFields = z.output<typeof pricesSchema>;
export type TierFields = z.output<typeof tier>;
export type FamilySize = Pick<z.output<typeof family>, keyof typeof sizes>;
