import type { DialectMeter, Usage } from '../../plugin-sdk/index.ts';

/** Larger messages are media; what a session used is said in small ones. */
const messageBytes = 1_048_576;

const finalBit = 0x80;
const compressedBit = 0x40;
const maskedBit = 0x80;

/**
 * Reads what a provider's side of a WebSocket (RFC 6455, 5.2) says of usage, message by message, on bytes that pass. The
 * sum grows with each answer. A session with compression is not read.
 */
export class SocketMeter {
  readonly #message: NonNullable<DialectMeter['message']>;
  readonly #onUsage: (usage: Usage) => void;
  #sum: Usage | undefined = undefined;
  /** The start of a frame's header that came without its end. */
  #held = Buffer.alloc(0);
  /** Payload bytes of the current frame that are still to come. */
  #left = 0;
  #isFinal = false;
  #isControl = false;
  #parts: Buffer[] = [];
  #size = 0;
  #unreadable = false;

  constructor(message: NonNullable<DialectMeter['message']>, onUsage: (usage: Usage) => void) {
    this.#message = message;
    this.#onUsage = onUsage;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !this.#unreadable) rest = this.#left > 0 ? this.#payload(rest) : this.#header(rest);
  }

  #header(bytes: Buffer): Buffer {
    const held = this.#held.length;
    const head = held === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const [first = 0, second = 0] = head;
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const size = 2 + lengthBytes + ((second & maskedBit) === 0 ? 0 : 4);
    if (head.length < size) {
      this.#held = Buffer.from(head);
      return Buffer.alloc(0);
    }
    this.#held = Buffer.alloc(0);
    const opcode = first & 0x0f;
    this.#isControl = opcode >= 8;
    this.#isFinal = (first & finalBit) !== 0;
    // Servers do not mask; what is compressed or masked is no plain text.
    if ((first & compressedBit) !== 0 || (second & maskedBit) !== 0) this.#unreadable = true;
    if (opcode === 1 || opcode === 2) this.#clear();
    this.#left = lengthBytes === 0 ? short : lengthBytes === 2 ? head.readUInt16BE(2) : Number(head.readBigUInt64BE(2));
    if (this.#left === 0) this.#frameEnd();
    return bytes.subarray(size - held);
  }

  #payload(bytes: Buffer): Buffer {
    const taken = bytes.subarray(0, this.#left);
    if (!this.#isControl) {
      this.#size += taken.length;
      if (this.#size <= messageBytes) this.#parts.push(taken);
      else this.#parts = [];
    }
    this.#left -= taken.length;
    if (this.#left === 0) this.#frameEnd();
    return bytes.subarray(taken.length);
  }

  #frameEnd(): void {
    if (this.#isControl || !this.#isFinal) return;
    const usage = this.#size > messageBytes ? undefined : this.#read(Buffer.concat(this.#parts));
    this.#clear();
    if (usage === undefined) return;
    this.#sum = this.#sum === undefined ? usage : added(this.#sum, usage);
    this.#onUsage(this.#sum);
  }

  /** A message that cannot be read tells nothing. */
  #read(message: Buffer): Usage | undefined {
    try {
      return this.#message(message);
    } catch {
      return undefined;
    }
  }

  #clear(): void {
    this.#parts = [];
    this.#size = 0;
  }
}

function added(one: Usage, other: Usage): Usage {
  const sum: Record<string, unknown> = { ...one };
  for (const [name, value] of Object.entries(other)) {
    const before = sum[name];
    sum[name] = typeof value === 'number' && typeof before === 'number' ? before + value : value;
  }
  return sum as unknown as Usage;
}
