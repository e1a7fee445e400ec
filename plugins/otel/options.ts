import { z } from 'zod';
import { secretString } from '../../plugin-sdk/index.ts';

export const otelOptions = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .default('http://127.0.0.1:4318')
    .describe('Collector that takes OTLP over HTTP as JSON; /v1/traces is added.'),
  headers: z.record(z.string(), secretString).default({}).describe('Sent to the collector, best as env.NAME.'),
  serviceName: z.string().min(1).default('bifrost-kernel'),
  sampleRatio: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Share of the traces that are kept, where the caller has not decided already by its traceparent.'),
  hooks: z.boolean().default(true).describe('A span for each run of a plugin.'),
  hooksFromMs: z.number().min(0).default(0).describe('Runs shorter than this get no span.'),
  propagate: z.boolean().default(true).describe('Sends traceparent upstream.'),
  queue: z.int().min(512).default(8_192).describe('Spans that wait for the collector; more are dropped.'),
  exportEveryMs: z.int().min(10).default(5_000),
});

export type OtelOptions = z.output<typeof otelOptions>;
