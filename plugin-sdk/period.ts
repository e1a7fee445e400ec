/** Length of a limit's window. `M`, `Q` and `Y` are months, quarters and years; `m` is minutes. */
export interface Period {
  readonly count: number;
  readonly unit: 's' | 'm' | 'h' | 'd' | 'w' | 'M' | 'Q' | 'Y';
}

const second = 1_000;
const day = 86_400 * second;
const lengths = {
  s: second,
  m: 60 * second,
  h: 3_600 * second,
  d: day,
  w: 7 * day,
  M: 30 * day,
  Q: 91 * day,
  Y: 365 * day,
};
const months = { M: 1, Q: 3, Y: 12 };
/** 1970-01-01 was a Thursday; weeks start on Monday. */
const firstMonday = 4 * day;

/** Reads `30s`, `1m`, `1h`, `1d`, `1w`, `1M`, `1Q`, `1Y` and multiples; `undefined` when the text is none. */
export function parsePeriod(text: string): Period | undefined {
  const match = /^([1-9]\d{0,3})([smhdwMQY])$/.exec(text);
  return match === null ? undefined : { count: Number(match[1]), unit: match[2] as Period['unit'] };
}

export function formatPeriod(period: Period): string {
  return `${period.count}${period.unit}`;
}

/** Milliseconds of a rolling window: a month is 30 days, a quarter 91, a year 365. */
export function periodLength(period: Period): number {
  return period.count * lengths[period.unit];
}

/**
 * The calendar window that holds `time`, in UTC: [start, end) in milliseconds since 1970. Weeks start on Monday,
 * quarters in January, April, July and October; multiples are counted from 1970 (months and years: from January 1970).
 */
export function calendarWindow(period: Period, time: number): { readonly start: number; readonly end: number } {
  const { count, unit } = period;
  if (unit === 'M' || unit === 'Q' || unit === 'Y') {
    const date = new Date(time);
    const step = count * months[unit];
    const first = Math.floor(((date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()) / step) * step;
    return { start: Date.UTC(1970, first, 1), end: Date.UTC(1970, first + step, 1) };
  }
  const length = periodLength(period);
  const origin = unit === 'w' ? firstMonday : 0;
  const start = Math.floor((time - origin) / length) * length + origin;
  return { start, end: start + length };
}
