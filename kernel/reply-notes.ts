import { type Dialect, type Finish, getHeader, type Reply } from '../plugin-sdk/index.ts';
import type { LiveExchange } from './exchange.ts';

/** Usage of a carried JSON reply; read after the reply is on its way. */
export function readUsage(exchange: LiveExchange, dialect: Dialect, reply: Reply, bytes: Buffer): void {
  if (
    !(getHeader(reply.headers, 'content-type') ?? '').includes('json') ||
    getHeader(reply.headers, 'content-encoding') !== undefined
  )
    return;
  const { usage, finish } = dialect.meter.json(bytes);
  exchange.usage = usage;
  exchange.finish ??= finish;
}

/** Of an answer that a plugin made: what a provider said is known by then. */
export function noteFinish(exchange: LiveExchange, finish: Finish | undefined): void {
  if (exchange.served?.finish === undefined) exchange.finish ??= finish?.native ?? finish?.reason;
}
