import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly events: readonly { readonly name: string; readonly timeUnixNano: string }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: CollectedSpan['attributes'] };
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string };
      readonly spans: readonly CollectedSpan[];
    }[];
  }[];
}

/** A collector that takes OTLP over HTTP as JSON and checks what the protocol demands of each span. */
export async function startCollector() {
  const spans: CollectedSpan[] = [];
  const headers: IncomingHttpHeaders[] = [];
  let service: unknown;
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    headers.push(incoming.headers);
    assert.equal(incoming.url, '/v1/traces');
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as Export;
    for (const { resource, scopeSpans } of resourceSpans) {
      service = attributesOf(resource)['service.name'];
      for (const scope of scopeSpans) spans.push(...scope.spans);
    }
    outgoing.writeHead(200, { 'content-type': 'application/json' }).end('{"partialSuccess":{}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    headers,
    get service() {
      return service;
    },
    /** The spans of the trace with a span that satisfies, once they are all there. */
    async trace(count: number): Promise<CollectedSpan[]> {
      for (let tries = 0; tries < 200 && spans.length < count; tries++)
        await new Promise((resolve) => setTimeout(resolve, 10));
      assert.ok(spans.length >= count, `${spans.length} of ${count} spans came`);
      for (const span of spans) checkSpan(span, spans);
      return spans;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function attributesOf({ attributes }: Pick<CollectedSpan, 'attributes'>): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

function plain(value: Readonly<Record<string, unknown>>): unknown {
  const { arrayValue } = value as { arrayValue?: { values: Record<string, unknown>[] } };
  if (arrayValue !== undefined) return arrayValue.values.map(plain);
  return Object.values(value)[0];
}

function checkSpan(span: CollectedSpan, all: readonly CollectedSpan[]): void {
  assert.match(span.traceId, /^[\da-f]{32}$/);
  assert.match(span.spanId, /^[\da-f]{16}$/);
  assert.notEqual(span.name, '');
  assert.ok(span.kind >= 1 && span.kind <= 5, `kind of ${span.name}`);
  const [start, end] = [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)];
  assert.ok(end >= start, `${span.name} ends after its start`);
  for (const event of span.events) assert.ok(BigInt(event.timeUnixNano) >= start, `${event.name} within ${span.name}`);
  assert.equal(all.filter(({ spanId }) => spanId === span.spanId).length, 1, 'span ids are unique');
  const parent = all.find(({ spanId }) => spanId === span.parentSpanId);
  if (parent === undefined) return;
  assert.equal(parent.traceId, span.traceId);
  assert.ok(BigInt(parent.startTimeUnixNano) <= start + 1_000_000n, `${span.name} starts within ${parent.name}`);
}
