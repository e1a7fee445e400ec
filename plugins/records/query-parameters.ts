import { z } from 'zod';
import { GatewayError, parseIsoTime, parsePeriod, periodLength } from '../../plugin-sdk/index.ts';
import {
  type AggregateQuery,
  type RecordDimension,
  type RecordFilter,
  type RecordQuery,
  recordDimensions,
} from '../../plugin-sdk/ports/records.ts';
import { nanoPerUsd } from '../../plugin-sdk/usd.ts';

const maxBuckets = 2_000;
const metadataPrefix = 'metadata.';

const moment = z.string().transform((text, context) => {
  const time = /^\d+$/.test(text) ? Number(text) : parseIsoTime(text);
  if (time !== undefined && Number.isFinite(time)) return time;
  context.addIssue({ code: 'custom', message: 'a time such as 2026-11-21T12:00:00Z, or milliseconds since 1970' });
  return z.NEVER;
});
const period = z.string().transform((text, context) => {
  const parsed = parsePeriod(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'a period such as 15m, 24h or 7d' });
  return z.NEVER;
});
const yesNo = z.enum(['true', 'false']).transform((text) => text === 'true');
const number = z.coerce.number().nonnegative();
const usd = number.transform((value) => Math.round(value * nanoPerUsd));

const filterShape = {
  from: moment.optional(),
  to: moment.optional(),
  last: period.optional(),
  stream: yesNo.optional(),
  failed: yesNo.optional(),
  unknownCost: yesNo.optional(),
  minDurationMs: number.optional(),
  maxDurationMs: number.optional(),
  minTokens: number.optional(),
  maxTokens: number.optional(),
  minCostUsd: usd.optional(),
  maxCostUsd: usd.optional(),
  q: z.string().min(1).max(200).optional(),
};

const filterSchema = z.strictObject(filterShape);
const listSchema = z.strictObject({
  ...filterShape,
  sort: z.enum(['time', 'duration', 'cost', 'tokens']).default('time'),
  order: z.enum(['desc', 'asc']).default('desc'),
  limit: z.coerce.number().int().min(1).max(1_000).default(50),
  cursor: z.string().optional(),
});
const aggregateSchema = z.strictObject({
  ...filterShape,
  by: z.enum(recordDimensions).optional(),
  bucket: period.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(20),
});
const exportSchema = z.strictObject({
  ...filterShape,
  format: z.enum(['csv', 'ndjson']).default('ndjson'),
  content: yesNo.default(false),
});

type FilterFields = z.output<typeof filterSchema>;

/** Query parameters by name; those that name a dimension may be repeated, and any of the values will do. */
export type Parameters = ReadonlyMap<string, readonly string[]>;

/** Each of these throws GatewayError REQ_INVALID naming the parameter. */
export function readList(parameters: Parameters, now: number): RecordQuery {
  const { fields, is, metadata } = read(parameters, listSchema);
  const { sort, order, limit, cursor } = fields;
  return {
    filter: filterOf(fields, is, metadata, now),
    sort,
    order,
    limit,
    ...(cursor === undefined ? {} : { cursor }),
  };
}

export function readAggregate(parameters: Parameters, now: number): AggregateQuery {
  const { fields, is, metadata } = read(parameters, aggregateSchema);
  const { by, bucket, limit } = fields;
  const filter = filterOf(fields, is, metadata, now);
  const { from, to = now } = filter;
  if (bucket !== undefined && (from === undefined || (to - from) / periodLength(bucket) > maxBuckets)) {
    throw invalid('bucket', `needs a range (from or last) of at most ${maxBuckets} buckets`);
  }
  return { filter, limit, ...(by === undefined ? {} : { by }), ...(bucket === undefined ? {} : { bucket }) };
}

export function readExport(
  parameters: Parameters,
  now: number,
): { filter: RecordFilter; format: 'csv' | 'ndjson'; content: boolean } {
  const { fields, is, metadata } = read(parameters, exportSchema);
  const { format, content } = fields;
  if (content && format === 'csv') throw invalid('content', 'needs format=ndjson: a table has no place for it');
  return { filter: filterOf(fields, is, metadata, now), format, content };
}

function read<S extends z.ZodType>(parameters: Parameters, schema: S) {
  const is: Partial<Record<RecordDimension, readonly string[]>> = {};
  // Of names that callers choose: `__proto__` is one as well.
  const metadata: Record<string, string> = Object.create(null);
  const rest: Record<string, string> = Object.create(null);
  for (const [name, values] of parameters) {
    const last = values.at(-1) ?? '';
    if (name === 'status' && !values.every((value) => /^\d{3}$/.test(value)))
      throw invalid(name, 'must be an HTTP status such as 429');
    if ((recordDimensions as readonly string[]).includes(name)) is[name as RecordDimension] = values;
    else if (values.length > 1) throw invalid(name, 'is given more than once');
    else if (name.startsWith(metadataPrefix)) metadata[name.slice(metadataPrefix.length).toLowerCase()] = last;
    else rest[name] = last;
  }
  const parsed = schema.safeParse(rest);
  if (parsed.success) return { fields: parsed.data, is, metadata };
  const issue = parsed.error.issues[0]!;
  const at = issue.code === 'unrecognized_keys' ? issue.keys[0]! : String(issue.path[0] ?? '');
  if (issue.code === 'unrecognized_keys') throw invalid(at, 'is not a parameter here');
  // Ours go on after "must be"; zod's are sentences of their own.
  throw invalid(at, issue.code === 'custom' ? `must be ${issue.message}` : `is wrong: ${issue.message}`);
}

function filterOf(
  fields: FilterFields,
  is: RecordFilter['is'],
  metadata: Record<string, string>,
  now: number,
): RecordFilter {
  const { last, minCostUsd, maxCostUsd } = fields;
  const from = fields.from ?? (last === undefined ? undefined : now - periodLength(last));
  const conditions = {
    from,
    to: fields.to,
    stream: fields.stream,
    failed: fields.failed,
    unknownCost: fields.unknownCost,
    minDurationMs: fields.minDurationMs,
    maxDurationMs: fields.maxDurationMs,
    minTokens: fields.minTokens,
    maxTokens: fields.maxTokens,
    minCost: minCostUsd,
    maxCost: maxCostUsd,
    is: is === undefined || Object.keys(is).length === 0 ? undefined : is,
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
    text: fields.q,
  };
  return Object.fromEntries(Object.entries(conditions).filter(([, value]) => value !== undefined));
}

function invalid(name: string, reason: string): GatewayError {
  return new GatewayError('REQ_INVALID', { reason: `${name} ${reason}.` }, { param: name });
}
