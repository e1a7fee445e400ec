/** A model's exact name, or a pattern with one `*`. */
export interface NamePattern {
  readonly text: string;
  readonly exact: boolean;
  /** Characters that must match; the higher, the closer the pattern. */
  readonly weight: number;
  matches(name: string): boolean;
}

/** Throws RangeError when the pattern has more than one `*`. */
export function namePattern(text: string): NamePattern {
  const star = text.indexOf('*');
  if (star < 0) return { text, exact: true, weight: Number.MAX_SAFE_INTEGER, matches: (name) => name === text };
  const start = text.slice(0, star);
  const end = text.slice(star + 1);
  if (end.includes('*')) throw new RangeError(`${JSON.stringify(text)} has more than one *`);
  return {
    text,
    exact: false,
    weight: text.length - 1,
    matches: (name) => name.length >= text.length - 1 && name.startsWith(start) && name.endsWith(end),
  };
}
