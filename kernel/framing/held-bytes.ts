const nothing = Buffer.alloc(0);
const smallest = 1024;
const keptCapacity = 64 * 1024;

/**
 * Bytes that wait for the rest of their event. They are copied: a chunk kept by reference would pin the whole read
 * buffer it was cut from. Growth doubles, so an event in many small chunks costs linear time.
 */
export class HeldBytes {
  /** Valid up to `length`; anything behind is left over. */
  bytes: Buffer = nothing;
  length = 0;

  append(from: Buffer, start: number, end: number): void {
    const needed = this.length + end - start;
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2, smallest));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    from.copy(this.bytes, this.length, start, end);
    this.length = needed;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > keptCapacity) this.bytes = nothing;
  }

  /** What is held, followed by a part of `from`, as a buffer of its own. Holds nothing afterwards. */
  release(from: Buffer, start: number, end: number): Buffer {
    const whole = Buffer.allocUnsafe(this.length + end - start);
    this.bytes.copy(whole, 0, 0, this.length);
    from.copy(whole, this.length, start, end);
    this.clear();
    return whole;
  }
}
