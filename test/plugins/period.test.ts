import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { calendarWindow, formatPeriod, parsePeriod, periodLength } from '../../plugin-sdk/period.ts';

const iso = (time: number): string => new Date(time).toISOString().slice(0, 16);

test('reads periods and refuses everything else', () => {
  assert.deepEqual(parsePeriod('1M'), { count: 1, unit: 'M' });
  assert.deepEqual(parsePeriod('30s'), { count: 30, unit: 's' });
  for (const text of ['', '1', 'm', '0d', '-1d', '1.5h', '1 d', '1D', '99999d', '1mo'])
    assert.equal(parsePeriod(text), undefined, text);
  assert.equal(formatPeriod(parsePeriod('12h')!), '12h');
});

test('starts calendar windows at UTC boundaries, weeks on Monday', () => {
  const time = Date.UTC(2026, 10, 21, 22, 33, 44); // a Saturday
  const windows: Record<string, [string, string]> = {
    '1m': ['2026-11-21T22:33', '2026-11-21T22:34'],
    '1h': ['2026-11-21T22:00', '2026-11-21T23:00'],
    '1d': ['2026-11-21T00:00', '2026-11-22T00:00'],
    '1w': ['2026-11-16T00:00', '2026-11-23T00:00'],
    '1M': ['2026-11-01T00:00', '2026-12-01T00:00'],
    '1Q': ['2026-10-01T00:00', '2027-01-01T00:00'],
    '1Y': ['2026-01-01T00:00', '2027-01-01T00:00'],
  };
  for (const [text, expected] of Object.entries(windows)) {
    const { start, end } = calendarWindow(parsePeriod(text)!, time);
    assert.deepEqual([iso(start), iso(end)], expected, text);
  }
});

test('gives windows that hold their time and follow each other without a gap', () => {
  const period = fc.record({
    count: fc.integer({ min: 1, max: 36 }),
    unit: fc.constantFrom('s', 'm', 'h', 'd', 'w', 'M', 'Q', 'Y'),
  });
  fc.assert(
    fc.property(period, fc.integer({ min: 0, max: Date.UTC(2200, 0) }), (of, time) => {
      const { start, end } = calendarWindow(of, time);
      assert.ok(start <= time && time < end);
      assert.equal(calendarWindow(of, end).start, end);
      assert.ok(Math.abs((end - start) / periodLength(of) - 1) < 0.1);
    }),
  );
});
