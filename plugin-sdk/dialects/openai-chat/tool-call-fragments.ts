import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { Emit } from '../dialect.ts';
import { carrying } from '../openai/carry.ts';
import { FieldReader } from '../openai/field-reader.ts';
import { decodeProof } from '../openai/tool-call-proof.ts';
import { present } from '../present.ts';

const dialect = 'openai.chat';

interface Call {
  id: string | undefined;
  block: number | undefined;
  /** Arguments that came before the name did. */
  held: string;
  closed: boolean;
}

/**
 * Puts the tool-call fragments of one choice together. A fragment belongs to the call with its id, else to the latest
 * call at its index: some servers give every parallel call index 0, some repeat id and name in every fragment, some
 * leave the index out.
 */
export class ToolCallFragments {
  readonly #choice: number;
  readonly #scope: string;
  readonly #nextBlock: () => number;
  readonly #calls: Call[] = [];
  readonly #atIndex = new Map<number, Call>();

  constructor(choice: number, nextBlock: () => number, answerId: string | undefined) {
    this.#choice = choice;
    this.#scope = answerId ? `${answerId}_` : '';
    this.#nextBlock = nextBlock;
  }

  get count(): number {
    return this.#calls.length;
  }

  add(fragment: JsonObject, emit: Emit): void {
    const kind = isObject(fragment['custom']) ? 'custom' : 'function';
    const inner = fragment[kind];
    const { name, arguments: args, input } = isObject(inner) ? inner : {};
    const call = this.#callOf(fragment);
    const text = textOf(kind === 'custom' ? input : args);
    if (call.block === undefined) {
      if (typeof name === 'string') this.#open(call, name, kind, fragment, emit);
    } else this.#sign(call.block, decodeProof(new FieldReader(fragment)), emit);
    this.#append(call, text, emit);
  }

  /** The deprecated single call without id or index. */
  addFunctionCall(value: JsonObject, emit: Emit): void {
    const call = this.#calls[0] ?? this.#newCall(undefined, 0);
    const { name } = value;
    if (call.block === undefined && typeof name === 'string') {
      call.block = this.#nextBlock();
      const carry = carrying(dialect, undefined, { $in: 'function_call' });
      emit({
        type: 'block-start',
        choice: this.#choice,
        block: call.block,
        head: { type: 'tool-call', id: name, name },
        ...carry,
      });
    }
    this.#append(call, textOf(value['arguments']), emit);
  }

  close(emit: Emit): void {
    for (const call of this.#calls) {
      if (call.block === undefined || call.closed) continue;
      emit({ type: 'block-end', choice: this.#choice, block: call.block });
      call.closed = true;
    }
  }

  #callOf(fragment: JsonObject): Call {
    const id = typeof fragment['id'] === 'string' && fragment['id'] !== '' ? fragment['id'] : undefined;
    const index = typeof fragment['index'] === 'number' ? fragment['index'] : undefined;
    const latest = index === undefined ? this.#calls.at(-1) : this.#atIndex.get(index);
    if (id === undefined) return latest ?? this.#newCall(undefined, index);
    const known = this.#calls.find((call) => call.id === id);
    return known ?? this.#newCall(id, index);
  }

  #newCall(id: string | undefined, index: number | undefined): Call {
    const call: Call = { id, block: undefined, held: '', closed: false };
    this.#calls.push(call);
    this.#atIndex.set(index ?? this.#calls.length - 1, call);
    return call;
  }

  #open(call: Call, name: string, kind: 'function' | 'custom', fragment: JsonObject, emit: Emit): void {
    const reader = new FieldReader(fragment);
    for (const field of ['index', 'id', 'type', kind]) reader.understood(field);
    const proof = decodeProof(reader);
    const { maker } = proof;
    call.block = this.#nextBlock();
    // A call without id cannot be answered; the place of the call makes a stable one, and its answer one of its own.
    const id = call.id ?? `call_${this.#scope}${this.#choice}_${this.#calls.indexOf(call)}`;
    const head = present({ type: 'tool-call' as const, id, name, kind: kind === 'custom' ? kind : undefined, maker });
    emit({ type: 'block-start', choice: this.#choice, block: call.block, head, ...carrying(dialect, reader.rest()) });
    this.#sign(call.block, proof, emit);
  }

  #sign(block: number, { signature, maker }: ReturnType<typeof decodeProof>, emit: Emit): void {
    if (signature === undefined) return;
    emit(present({ type: 'signature' as const, choice: this.#choice, block, signature, maker }));
  }

  #append(call: Call, text: string, emit: Emit): void {
    if (call.block === undefined) {
      call.held += text;
      return;
    }
    const whole = call.held + text;
    call.held = '';
    if (whole !== '' && !call.closed) emit({ type: 'arguments', choice: this.#choice, block: call.block, text: whole });
  }
}

function textOf(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}
