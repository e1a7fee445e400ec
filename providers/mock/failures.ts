import { z } from 'zod';
import { type Exchange, GatewayError, type Reply } from '../../plugin-sdk/index.ts';

/** A failure that the mock plays, as a provider would answer with it. */
export const failureRule = z.strictObject({
  model: z.string().default('*').describe('Model it concerns; a trailing `*` matches a prefix.'),
  ratio: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe('Share of the requests that fail, spread evenly: 0.25 is every fourth.'),
  status: z.int().min(400).max(599).default(500).describe('HTTP status.'),
  message: z.string().default('The mock fails as configured.'),
  code: z.string().optional(),
  retryAfterMs: z.int().min(0).optional().describe('What it says in `retry-after-ms`.'),
});

export type FailureRule = z.output<typeof failureRule>;

/** Decides which requests fail: the same sequence after every start. */
export class Failures {
  readonly #rules: readonly { readonly rule: FailureRule; seen: number }[];

  constructor(rules: readonly FailureRule[]) {
    this.#rules = rules.map((rule) => ({ rule, seen: 0 }));
  }

  /** The failure of this request, if it is to have one. */
  next(model: string): FailureRule | undefined {
    const named = /^error-([45]\d\d)$/.exec(model);
    if (named !== null) return { model, ratio: 1, status: Number(named[1]), message: `The mock answers ${named[1]}.` };
    let failing: FailureRule | undefined;
    for (const counted of this.#rules) {
      const { rule } = counted;
      if (!(rule.model.endsWith('*') ? model.startsWith(rule.model.slice(0, -1)) : rule.model === model)) continue;
      const before = Math.floor(counted.seen * rule.ratio);
      counted.seen += 1;
      if (Math.floor(counted.seen * rule.ratio) > before) failing ??= rule;
    }
    return failing;
  }
}

/** The failure as a provider's reply in the client's dialect, so that retries and fallbacks see what they would see. */
export function failureReply(
  exchange: Exchange,
  { status, message, code, retryAfterMs }: Omit<FailureRule, 'model' | 'ratio'>,
): Reply {
  const words = { status, ...(code === undefined ? {} : { openaiCode: code }) };
  const { body } = exchange.dialect.encodeError(new GatewayError('UP_STATUS', { message }, words), exchange.id);
  return {
    origin: 'gateway',
    status,
    headers: [
      'content-type',
      'application/json',
      ...(retryAfterMs === undefined ? [] : ['retry-after-ms', String(retryAfterMs)]),
    ],
    problem: {
      status,
      message,
      ...(code === undefined ? {} : { code }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
    body: { type: 'bytes', bytes: body },
  };
}
