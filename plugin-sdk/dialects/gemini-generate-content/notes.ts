import type { Carrier, Carry } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import { carryOf } from '../carry.ts';

export const dialectId = 'gemini.generateContent';

/** Whose thought signatures Google accepts back. */
export const maker = 'google';

/**
 * How something was read from this dialect, so that encoding writes the same again. Kept under `$` in the carry, beside
 * the fields that the conversation has no word for.
 */
export interface Notes {
  /** Fields that were written in snake_case. */
  readonly snake?: string[];
  /** Fields whose absence differs from what encoding would write. */
  readonly absent?: string[];
  /** Fields of an array type that were written as one bare value. */
  readonly single?: string[];
  /** `functionCall.id` or `functionResponse.id` was given. */
  readonly id?: boolean;
  /** The base64 used the URL alphabet. */
  readonly base64url?: boolean;
  /** Which key of `functionResponse.response` holds the text; `*` when the text is the whole object as JSON. */
  readonly responseKey?: string;
  /** Index in `tools` of the object that this tool came from. */
  readonly toolIndex?: number;
  /** `functionCallingConfig.mode` as written, where two mean the same here. */
  readonly mode?: string;
  /** The schema in Google's older form, from which the JSON Schema was made; there is no exact way back. */
  readonly openApiSchema?: JsonObject;
  /** The role as written, where two mean the same here. */
  readonly role?: string;
  /** A signature on a part of its own, with empty text. */
  readonly alone?: boolean;
  /** A call that came in pieces, which stand in the native events of their chunks. */
  readonly pieces?: boolean;
  /** Made up here, for other dialects; never written back. */
  readonly synthetic?: boolean;
}

/** A carry with the unknown `fields` and the notes; `always` marks a carrier as read from here even without either. */
export function keep(fields: JsonObject, notes: Notes = {}, always = false): { readonly carry?: Carry } {
  let written: JsonObject | undefined;
  for (const key in notes) {
    const note = notes[key as keyof Notes];
    if (note !== undefined && !(Array.isArray(note) && note.length === 0)) (written ??= {})[key] = note;
  }
  if (written !== undefined) return carryOf(dialectId, { ...fields, $: written });
  if (!always) return carryOf(dialectId, fields);
  for (const _ in fields) return carryOf(dialectId, { ...fields, $: {} });
  return nothingNoted;
}

/** The mark of most carriers that were read from here: nothing about them is unusual. */
const nothingNoted = carryOf(dialectId, { $: {} });

export interface Kept {
  readonly fields: JsonObject;
  readonly notes: Notes;
}

const nothing: Kept = { fields: {}, notes: {} };

/** What {@link keep} kept; empty for a carrier that another dialect read. */
export function kept(carrier: Carrier): Kept {
  const own = carrier.carry?.[dialectId];
  if (own === undefined) return nothing;
  const { $: notes, ...fields } = own;
  return { fields, notes: (isObject(notes) ? notes : {}) as Notes };
}

/** True for what this dialect read itself: it stands as it stood, and nothing is corrected in it. */
export function isNative(carrier: Carrier): boolean {
  return carrier.carry?.[dialectId] !== undefined;
}
