/**
 * A value as it goes to another thread: every Buffer copied to memory of its own, which is handed over instead of being
 * copied again (and instead of the whole pool that a small Buffer lies in).
 */
export function pack<T>(value: T, transfers: ArrayBuffer[]): T {
  return walk(value, (bytes) => {
    const own = new Uint8Array(bytes);
    transfers.push(own.buffer);
    return own;
  }) as T;
}

/** The value as the other thread had it: bytes are Buffers again. */
export function unpack<T>(value: T): T {
  return walk(value, (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)) as T;
}

function walk(value: unknown, change: (bytes: Uint8Array) => Uint8Array): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return change(value);
  if (Array.isArray(value)) return value.map((item) => walk(item, change));
  const result: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) result[name] = walk(item, change);
  return result;
}
