/** Best time of one call in µs, over batches after a warm-up: what the code costs when nobody else has the core. */
export function bestMicroseconds(work: () => unknown, batches = 10, batchMs = 30): number {
  let calls = 1;
  for (const warmEnd = performance.now() + 3 * batchMs; performance.now() < warmEnd; ) work();
  while (timeOf(work, calls) < batchMs && calls < 1 << 24) calls *= 2;
  let best = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < batches; batch++) best = Math.min(best, timeOf(work, calls) / calls);
  return best * 1000;
}

function timeOf(work: () => unknown, calls: number): number {
  const start = performance.now();
  for (let call = 0; call < calls; call++) work();
  return performance.now() - start;
}

export function report(what: string, microseconds: number, unit: string, aim?: number): void {
  const line = `${what.padEnd(58)} ${microseconds.toFixed(3).padStart(10)} µs per ${unit}`;
  process.stdout.write(`${line}${aim === undefined ? '' : `   (aim ≤ ${aim})`}\n`);
}
