/**
 * How long the machine stops a process that only looks at the clock: no p99 that is measured on it can be trusted below
 * that. Run it with nothing else running: node test/bench/tools/clock-gaps.ts [SECONDS]
 */
const seconds = Number(process.argv[2] ?? 20);
/** Milliseconds that count as a stop. */
const leastMs = 3;

const gaps: number[] = [];
const until = performance.now() + seconds * 1_000;
for (let last = performance.now(); last < until; ) {
  const now = performance.now();
  if (now - last > leastMs) gaps.push(now - last);
  last = now;
}
gaps.sort((one, other) => other - one);
const longest = gaps.slice(0, 5).map((ms) => ms.toFixed(1));
process.stdout.write(
  `${gaps.length} stops above ${leastMs} ms in ${seconds} s; longest ${longest.join(', ') || '-'} ms\n`,
);
