import assert from 'node:assert/strict';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

const line = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

/**
 * Reads Prometheus' text format strictly (version 0.0.4): each family has help and type before its samples and comes once,
 * no series comes twice, histograms are cumulated and whole.
 */
export function readExposition(text: string): Map<string, Family> {
  assert.ok(text.endsWith('\n'), 'the last line ends');
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let help: [string, string] | undefined;
  let current: [string, Family] | undefined;
  for (const row of text.split('\n')) {
    if (row === '') continue;
    const [, kind, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(row) ?? [];
    if (kind === 'HELP') help = [name!, rest!];
    else if (kind === 'TYPE') {
      assert.equal(help?.[0], name, `help before type of ${name}`);
      assert.ok(!families.has(name!), `${name} comes once`);
      current = [name!, { type: rest!, help: help![1], samples: [] }];
      families.set(...current);
    } else {
      const sample = readSample(row);
      assert.ok(current !== undefined && belongs(sample.name, current), `${row} follows its type`);
      assert.ok(!seen.has(seriesOf(sample)), `${row} comes once`);
      seen.add(seriesOf(sample));
      current[1].samples.push(sample);
    }
  }
  for (const [name, { type, samples }] of families) if (type === 'histogram') checkHistogram(name, samples);
  return families;
}

/** The value of the only sample that has these labels among its own. */
export function sampleOf(
  families: Map<string, Family>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const family = [...families].find(
    ([base]) => base === name || (name.startsWith(base) && /^_(sum|count|bucket)$/.test(name.slice(base.length))),
  );
  const found = (family?.[1].samples ?? []).filter(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  assert.ok(found.length < 2, `${name} ${JSON.stringify(labels)} names ${found.length} series`);
  return found[0]?.value;
}

function readSample(row: string): Sample {
  const [, name, inner = '', value] = line.exec(row) ?? assert.fail(`not a sample: ${row}`);
  const labels: Record<string, string> = {};
  label.lastIndex = 0;
  while (label.lastIndex < inner.length) {
    const [, key, text] = label.exec(inner) ?? assert.fail(`not labels: ${inner}`);
    assert.ok(!(key! in labels), `${key} twice in ${row}`);
    labels[key!] = text!.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  }
  const number = value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value);
  assert.ok(!Number.isNaN(number), `a number in ${row}`);
  return { name: name!, labels, value: number };
}

function belongs(sample: string, [name, { type }]: [string, Family]): boolean {
  return type === 'histogram'
    ? /^_(bucket|sum|count)$/.test(sample.slice(name.length)) && sample.startsWith(name)
    : sample === name;
}

function seriesOf({ name, labels }: Sample): string {
  return `${name}${JSON.stringify(Object.entries(labels).sort())}`;
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const groups = Map.groupBy(samples, ({ labels: { le: _, ...rest } }) => JSON.stringify(Object.entries(rest).sort()));
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const counts = buckets.map(({ value }) => value);
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      `${name} is cumulated`,
    );
    assert.equal(buckets.at(-1)?.labels['le'], '+Inf');
    assert.equal(group.find((sample) => sample.name === `${name}_count`)?.value, counts.at(-1), `${name} counts all`);
    assert.ok(
      group.some((sample) => sample.name === `${name}_sum`),
      `${name} has a sum`,
    );
  }
}
