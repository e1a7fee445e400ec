import { nanoPerUsd } from '../../plugin-sdk/usd.ts';
import { type Html, html } from './html.ts';

const none = '–';
const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

export function count(value: number | undefined): string {
  return value === undefined ? none : grouped.format(value);
}

/** Five digits at most: `98,765`, `1.2M`. */
export function shortCount(value: number | undefined): string {
  return value === undefined ? none : Math.abs(value) < 100_000 ? grouped.format(value) : compact.format(value);
}

export function duration(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return none;
  if (ms === 0) return '0 ms';
  if (ms < 0.0995) return `${Math.max(1, Math.round(ms * 1_000))} µs`;
  if (ms < 0.995) return `${ms.toFixed(2)} ms`;
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_995) return `${(ms / 1_000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 1_440
    ? `${Math.floor(minutes / 60)} h ${minutes % 60} min`
    : `${Math.floor(minutes / 1_440)} d ${Math.floor((minutes % 1_440) / 60)} h`;
}

export function usd(value: number): string {
  if (value === 0) return '$0';
  const digits = value >= 1 ? 2 : value >= 0.000_1 ? 4 : 6;
  return `$${value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

/** `cost` is nano-USD. */
export function cost(value: number | 'unknown' | undefined): string {
  if (value === undefined) return none;
  return value === 'unknown' ? 'unknown' : usd(value / nanoPerUsd);
}

/** `part` of `whole` as percent. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return none;
  const value = (part / whole) * 100;
  return value === 0
    ? '0 %'
    : value < 0.1
      ? '< 0.1 %'
      : value < 10
        ? `${value.toFixed(1)} %`
        : `${Math.round(value)} %`;
}

export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let scaled = value;
  let unit = -1;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1_000;
    unit += 1;
  }
  return `${scaled.toFixed(scaled < 10 ? 1 : 0)} ${units[unit]}`;
}

/** A moment in UTC; the page's script shows it in the viewer's own time. */
export function moment(time: number, shown: 'time' | 'minute' | 'day' | 'full'): Html {
  const iso = new Date(time).toISOString();
  const [day, clock] = [iso.slice(0, 10), iso.slice(11, 19)];
  const text = { time: clock, minute: clock.slice(0, 5), day: day.slice(5), full: `${day} ${clock} UTC` }[shown];
  return html`<time datetime="${iso}" data-shown="${shown}">${text}</time>`;
}
