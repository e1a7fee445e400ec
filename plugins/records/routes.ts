import type { Context } from 'hono';
import {
  type Caller,
  GatewayError,
  GatewayRequest,
  type HandlerRoute,
  type Host,
  isGatewayError,
  noBody,
  RequestHeaders,
} from '../../plugin-sdk/index.ts';
import { callersPort } from '../../plugin-sdk/ports/callers.ts';
import type { ExchangeRecord, RecordFilter, RecordQueue, Records } from '../../plugin-sdk/ports/records.ts';
import type { LiveFeed } from './live-feed.ts';
import { type Parameters, readAggregate, readExport, readList } from './query-parameters.ts';
import { csvHead, csvLine, shownGroup, shownRecord } from './shown.ts';

export interface RecordEndpoints {
  readonly host: Host;
  readonly store: Records;
  readonly queue: RecordQueue;
  readonly live: LiveFeed;
}

/** The query API: `/api/records…` for operators, `/api/my/records…` for callers and what is theirs. */
export function recordRoutes(endpoints: RecordEndpoints): HandlerRoute[] {
  const { host, store, queue, live } = endpoints;
  const now = (): number => host.clock.now();
  const admin = (path: string, handler: (context: Context) => Promise<Response>): HandlerRoute => ({
    type: 'handler',
    method: 'GET',
    path: `/api/records${path}`,
    guard: { admin: 'read' },
    handler: (context) => answered(() => handler(context)),
  });
  const own = (path: string, handler: (context: Context, caller: Caller) => Promise<Response>): HandlerRoute => ({
    type: 'handler',
    method: 'GET',
    path: `/api/my/records${path}`,
    guard: { caller: 'virtual key or token' },
    handler: (context) => answered(async () => handler(context, await callerOf(context, host))),
  });
  const one = async (id: string, allowed: (record: ExchangeRecord) => boolean): Promise<Response> => {
    const record = await store.get(id);
    if (record === undefined || !allowed(record)) throw new GatewayError('STORE_UNKNOWN', { entity: 'record', id });
    return Response.json(shownRecord(record));
  };
  const list = async (context: Context, narrow: (filter: RecordFilter) => RecordFilter): Promise<Response> => {
    const query = readList(parametersOf(context), now());
    const { records, next } = await store.query({ ...query, filter: narrow(query.filter) });
    return Response.json({ records: records.map(shownRecord), next: next ?? null });
  };
  const aggregate = async (context: Context, narrow: (filter: RecordFilter) => RecordFilter): Promise<Response> => {
    const query = readAggregate(parametersOf(context), now());
    const groups = await store.aggregate({ ...query, filter: narrow(query.filter) });
    return Response.json({ groups: groups.map(shownGroup) });
  };
  const all = (filter: RecordFilter): RecordFilter => filter;
  return [
    admin('', (context) => list(context, all)),
    admin('/aggregate', (context) => aggregate(context, all)),
    admin('/stats', async () => Response.json({ store: await store.stats(), queue: queue.stats() })),
    admin('/live', async (context) => {
      const feed = live.open(context.req.header('last-event-id'));
      if (feed === undefined) throw new GatewayError('LIMIT_CONCURRENCY', { account: 'The live feed', limit: 50 });
      return feed;
    }),
    admin('/export', async (context) => {
      const { filter, format, content } = readExport(parametersOf(context), now());
      return exported(store.scan(filter, content), format);
    }),
    admin('/:id', (context) => one(context.req.param('id') ?? '', () => true)),
    own('', (context, caller) => list(context, onlyOf(caller))),
    own('/aggregate', (context, caller) => aggregate(context, onlyOf(caller))),
    own('/:id', (context, caller) => one(context.req.param('id') ?? '', (record) => record.caller.id === caller.id)),
  ];
}

/** Throws GatewayError AUTH_*. */
async function callerOf(context: Context, host: Host): Promise<Caller> {
  const callers = host.findPort(callersPort);
  if (callers === undefined) throw new GatewayError('AUTH_MISSING', {});
  const { pathname, search } = new URL(context.req.url);
  const headers = new RequestHeaders(Object.entries(context.req.header()).flat());
  const caller = await callers.identify(new GatewayRequest('GET', pathname, search, headers, noBody));
  if (caller.kind === 'anonymous') throw new GatewayError('AUTH_MISSING', {});
  return caller;
}

/** Whatever else is asked for, only this caller's. */
function onlyOf(caller: Caller): (filter: RecordFilter) => RecordFilter {
  return (filter) => ({ ...filter, is: { ...filter.is, caller: [caller.id] } });
}

function parametersOf(context: Context): Parameters {
  const parameters = new Map<string, string[]>();
  for (const [name, value] of new URL(context.req.url).searchParams) {
    // A caller may send its virtual key so; it is no filter.
    if (name === 'key' && context.req.path.startsWith('/api/my/')) continue;
    const values = parameters.get(name);
    if (values === undefined) parameters.set(name, [value]);
    else values.push(value);
  }
  return parameters;
}

function exported(records: AsyncIterable<ExchangeRecord>, format: 'csv' | 'ndjson'): Response {
  const encoder = new TextEncoder();
  const iterator = records[Symbol.asyncIterator]();
  const line = format === 'csv' ? csvLine : (record: ExchangeRecord) => `${JSON.stringify(shownRecord(record))}\n`;
  let head = format === 'csv' ? csvHead : '';
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      let text = head;
      head = '';
      while (text.length < 65_536) {
        const next = await iterator.next();
        if (next.done === true) {
          if (text !== '') controller.enqueue(encoder.encode(text));
          return controller.close();
        }
        text += line(next.value);
      }
      controller.enqueue(encoder.encode(text));
    },
    async cancel() {
      await iterator.return?.();
    },
  });
  const type = format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson';
  return new Response(body, {
    headers: { 'content-type': type, 'content-disposition': `attachment; filename="records.${format}"` },
  });
}

async function answered(work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (cause) {
    if (!isGatewayError(cause)) throw cause;
    const { status, text, type, param, openaiCode } = cause;
    return Response.json({ error: { message: text, type, param: param ?? null, code: openaiCode } }, { status });
  }
}
