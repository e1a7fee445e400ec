import type { Carrier, Carry, Conversation } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import { carryOf } from '../carry.ts';
import { type ToolNames, toolNames } from '../tool-names.ts';

export const dialectId = 'cohere.chat';

/** Whose thinking Cohere is shown again. */
export const maker = 'cohere';

/** How something was read, so that encoding writes the same again. Kept under `$`, beside the unknown fields. */
export interface Notes {
  /** `content` was one string. */
  readonly text?: boolean;
  /** Fields that were not there, where encoding would write them. */
  readonly absent?: string[];
  /** This text is the message's `tool_plan`. */
  readonly plan?: boolean;
  /** `arguments` was `"null"`. */
  readonly nullArguments?: boolean;
  /** A document part; true when its data was an object rather than text. */
  readonly documentJson?: boolean;
  /** The key of `response_format` that held the schema. */
  readonly schemaKey?: string;
}

/** A carry with the unknown `fields` and the notes; `always` marks a carrier as read from here even without either. */
export function keep(fields: JsonObject, notes: Notes = {}, always = false): { readonly carry?: Carry } {
  const written: JsonObject = {};
  for (const key of Object.keys(notes) as (keyof Notes)[]) {
    const note = notes[key];
    if (note !== undefined && note !== false && !(Array.isArray(note) && note.length === 0)) written[key] = note;
  }
  const noted = always || Object.keys(written).length > 0;
  return carryOf(dialectId, noted ? { ...fields, $: written } : fields);
}

/** What {@link keep} kept; empty for a carrier that another dialect read. */
export function kept(carrier: Carrier): { readonly fields: JsonObject; readonly notes: Notes } {
  const own = carrier.carry?.[dialectId];
  if (own === undefined) return { fields: {}, notes: {} };
  const { $: notes, ...fields } = own;
  return { fields, notes: (isObject(notes) ? notes : {}) as Notes };
}

/** True for what this dialect read itself: it is written as it stood. */
export function isNative(carrier: Carrier): boolean {
  return carrier.carry?.[dialectId] !== undefined;
}

export function cohereToolNames(conversation: Conversation | undefined): ToolNames {
  return toolNames(conversation, /[^\w-]/g, 64);
}
