import { readdirSync, readFileSync } from 'node:fs';

/**
 * How long the machine stops a process that only looks at the clock, and who ran meanwhile: no p99 that is measured on it
 * can be trusted below that. Run it with nothing else running: node test/bench/tools/clock-gaps.ts [SECONDS]
 */
const seconds = Number(process.argv[2] ?? 20);
/** Milliseconds that count as a stop. */
const leastMs = 3;

const before = ranMs();
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
const busiest = [...ranMs()]
  .map(([name, ms]) => ({ name, ms: ms - (before.get(name) ?? 0) }))
  .sort((one, other) => other.ms - one.ms)
  .slice(0, 3);
process.stdout.write(`busiest beside it: ${busiest.map(({ name, ms }) => `${name} ${ms.toFixed(0)} ms`).join(', ')}\n`);

/** Milliseconds that every other process has run so far, where the system tells. */
function ranMs(): Map<string, number> {
  const ran = new Map<string, number>();
  for (const pid of folders('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    try {
      const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
      const [nanoseconds] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ');
      ran.set(`${name} (${pid})`, Number(nanoseconds) / 1e6);
    } catch {
      // It has ended.
    }
  }
  return ran;
}

function folders(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
