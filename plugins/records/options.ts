import { z } from 'zod';
import { parsePeriod } from '../../plugin-sdk/index.ts';

const pattern = z.string().superRefine((source, context) => {
  try {
    new RegExp(source, 'gu');
  } catch (cause) {
    context.addIssue({ code: 'custom', message: cause instanceof Error ? cause.message : 'not a regular expression' });
  }
});

const contentOptions = z.strictObject({
  default: z.boolean().default(false).describe('Keep requests and replies of everyone for whom nothing else is said.'),
  virtualKeys: z.record(z.string(), z.boolean()).default({}).describe('By id of the virtual key.'),
  callersMayTurnOn: z
    .boolean()
    .default(false)
    .describe('A request may turn it on by `x-bf-record-content: true`. Any request may turn it off by `false`.'),
  redact: z
    .array(pattern)
    .default([])
    .describe('Regular expressions; what they match in any text is replaced by `[redacted]`.'),
  maxBytes: z
    .number()
    .int()
    .min(256)
    .default(65_536)
    .describe('Of each side; a longer one is cut to text of this length.'),
});

export const recordsOptions = z.strictObject({
  content: contentOptions.default(() => contentOptions.parse({})),
  metadataHeaders: z
    .array(z.string().toLowerCase())
    .default([])
    .describe('Request headers to keep besides x-bf-lh-*. Never headers that carry credentials.'),
  queue: z
    .number()
    .int()
    .min(1)
    .default(20_000)
    .describe('Records that wait while the store is slow or down; more are dropped and counted.'),
  batch: z
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(128)
    .describe('Records that start a write; more go with it when more wait.'),
  flushMs: z.number().int().min(1).default(200).describe('Longest that a record waits for a batch to fill.'),
  retention: z
    .strictObject({
      age: z
        .string()
        .refine((text) => parsePeriod(text) !== undefined, 'a period such as 30d')
        .default('30d'),
      bytes: z
        .number()
        .int()
        .min(1_048_576)
        .default(10 * 1024 ** 3),
      everyMs: z.number().int().min(1_000).default(600_000).describe('Time between two clean-ups.'),
    })
    .default({ age: '30d', bytes: 10 * 1024 ** 3, everyMs: 600_000 }),
});

export type RecordsOptions = z.output<typeof recordsOptions>;
export type ContentOptions = RecordsOptions['content'];
