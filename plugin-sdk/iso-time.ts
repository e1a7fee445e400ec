/** Date, time, zone. What else `Date.parse` takes it guesses at: `now-1` would be a day in 2001. */
const iso = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/;

/**
 * Milliseconds since 1970 of a day or time in ISO 8601; `undefined` when the text is none. UTC unless it names a zone, as
 * all times that are shown: not the zone of the machine.
 */
export function parseIsoTime(text: string): number | undefined {
  const [, day, clock = '00:00', zone = 'Z'] = iso.exec(text) ?? [];
  const time = Date.parse(`${day}T${clock}${zone}`);
  return Number.isNaN(time) || !isInCalendar(day!) ? undefined : time;
}

/** `Date.parse` reads the 30th of February as the second of March. */
function isInCalendar(day: string): boolean {
  return new Date(day).toISOString().startsWith(day);
}
