import assert from 'node:assert/strict';
import { createFramer } from '../../kernel/framing/create-framer.ts';
import type { FramedEvent, FramingId } from '../../plugin-sdk/dialects/dialect.ts';
import { isGatewayError } from '../../plugin-sdk/errors.ts';

/** The events of a whole stream, given in these chunks. */
export function frame(framing: FramingId, chunks: readonly (Buffer | string)[], maxEventBytes?: number): FramedEvent[] {
  const framer = createFramer(framing, { provider: 'test', ...(maxEventBytes === undefined ? {} : { maxEventBytes }) });
  const events: FramedEvent[] = [];
  const emit = (event: FramedEvent) => void events.push(event);
  for (const chunk of chunks) {
    // The framer may keep nothing of a chunk: overwriting it afterwards shows if it does.
    const bytes = Buffer.from(chunk);
    framer.push(bytes, emit);
    bytes.fill(63);
  }
  framer.end(emit);
  return events;
}

/** Throws the GatewayError of this code, naming the provider. */
export function fails(code: string, act: () => unknown): void {
  assert.throws(act, (error) => {
    assert.ok(isGatewayError(error), String(error));
    assert.equal(error.code, code);
    assert.match(error.message, /test/);
    return true;
  });
}
