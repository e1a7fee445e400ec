import { type Column, inColour, type Paints, plain, textTable, unpainted } from './text-table.ts';
import type { TopData, TopGroup, TopKey, TopRecord } from './top-data.ts';

export interface FrameSize {
  readonly columns: number;
  /** Lines at most; the list of requests gets what is left. */
  readonly rows: number;
  readonly colour: boolean;
}

const secondsOfRate = 10;

/** One frame as lines without line ends, none longer than the terminal is wide. */
export function topFrame(data: TopData, { columns, rows, colour }: FrameSize, now: Date): string[] {
  const paints = colour ? inColour : plain;
  const { bold, quiet } = paints;
  const { gateway, targets, recent } = data;
  const title = `Bifrost Kernel  ${data.url}`.slice(0, Math.max(0, columns - 9));
  const clock = now.toTimeString().slice(0, 8);
  const lines = [`${bold(title)}${' '.repeat(Math.max(1, columns - title.length - clock.length))}${quiet(clock)}`, ''];
  lines.push(figures(data, columns, paints), '');

  if (targets === undefined) lines.push(quiet('Traffic needs plugins/records, which is not loaded.'), '');
  else lines.push(...textTable('Models, last minute', targetColumns(paints), targets, columns, paints, 'No request.'));
  if (gateway === undefined)
    lines.push(quiet('Keys and open requests need plugins/dashboard, which is not loaded.'), '');
  else lines.push(...textTable('Keys', keyColumns(paints), gateway.keys, columns, paints, 'No key is configured.'));
  if (recent !== undefined) {
    const left = Math.max(3, rows - lines.length - 3);
    lines.push(
      ...textTable('Requests', recordColumns(paints), recent.slice(0, left), columns, paints, 'No request yet.'),
    );
  }
  while (lines.at(-1) === '') lines.pop();
  return lines.slice(0, rows);
}

/** As many figures as fit, the most important first. */
function figures({ now, minute, gateway }: TopData, columns: number, { bold, quiet, bad }: Paints): string {
  const all: { readonly name: string; readonly value: string; readonly isBad?: boolean }[] = [];
  if (now !== undefined && minute !== undefined) {
    const { requests, errors, durationMs, inputTokens, outputTokens, costUsd } = minute;
    all.push(
      { name: 'requests/s', value: (now.requests / secondsOfRate).toFixed(1) },
      { name: 'p50', value: milliseconds(durationMs.p50) },
      { name: 'p99', value: milliseconds(durationMs.p99) },
      { name: 'errors', value: percent(errors, requests), isBad: errors > 0 },
      { name: 'cost/min', value: usd(costUsd) },
    );
    if (gateway !== undefined) all.push({ name: 'open', value: String(gateway.openExchanges) });
    all.push({ name: 'tokens/min', value: `${inputTokens} in, ${outputTokens} out` });
  } else if (gateway !== undefined) all.push({ name: 'open', value: String(gateway.openExchanges) });
  if (gateway !== undefined) all.push({ name: 'config', value: gateway.generation });
  let left = columns;
  const shown = all.filter(({ name, value }) => {
    left -= name.length + value.length + 3;
    return left >= -2;
  });
  return shown.map(({ name, value, isBad }) => `${quiet(name)} ${(isBad === true ? bad : bold)(value)}`).join('  ');
}

function targetColumns({ bad }: Paints): Column<TopGroup>[] {
  return [
    { name: 'Model', width: 36, cell: ({ key }) => (key === null ? 'all others' : key || 'none') },
    { name: 'Requests', width: 9, number: true, cell: ({ requests }) => String(requests) },
    {
      name: 'Errors',
      width: 8,
      number: true,
      cell: ({ errors, requests }) => percent(errors, requests),
      paint: ({ errors }) => (errors > 0 ? bad : unpainted),
    },
    { name: 'p50', width: 9, number: true, cell: ({ durationMs }) => milliseconds(durationMs.p50) },
    { name: 'p99', width: 9, number: true, cell: ({ durationMs }) => milliseconds(durationMs.p99) },
    { name: 'Cost', width: 10, number: true, cell: ({ costUsd }) => usd(costUsd) },
  ];
}

function keyColumns({ good, bad, warn }: Paints): Column<TopKey>[] {
  return [
    { name: 'Key', width: 26, cell: ({ provider, name }) => `${provider}/${name}` },
    {
      name: 'State',
      width: 30,
      cell: ({ resting, restingModels, reason }) =>
        resting
          ? `cooling down: ${reason ?? 'failures'}`
          : restingModels.length > 0
            ? `cooling down for ${restingModels.join(', ')}`
            : 'serving',
      paint: ({ resting, restingModels }) => (resting ? bad : restingModels.length > 0 ? warn : good),
    },
    { name: 'Open', width: 9, number: true, cell: ({ inFlight }) => String(inFlight) },
    { name: 'Failed', width: 8, number: true, cell: ({ failures }) => String(failures) },
    { name: 'First', width: 9, number: true, cell: ({ latencyMs }) => milliseconds(latencyMs ?? undefined) },
  ];
}

function recordColumns({ good, bad }: Paints): Column<TopRecord>[] {
  return [
    { name: 'Time', width: 8, cell: ({ time }) => new Date(time).toTimeString().slice(0, 8) },
    {
      name: 'Status',
      width: 6,
      number: true,
      cell: ({ status }) => String(status),
      paint: ({ status }) => (status >= 400 ? bad : good),
    },
    {
      name: 'Model',
      width: 34,
      cell: ({ provider, model, clientModel }) =>
        provider === undefined ? (clientModel ?? '-') : `${provider}/${model ?? ''}`,
    },
    { name: 'Total', width: 9, number: true, cell: ({ durationMs }) => milliseconds(durationMs) },
    {
      name: 'Cost',
      width: 10,
      number: true,
      cell: ({ costUsd }) => (typeof costUsd === 'number' ? usd(costUsd) : (costUsd ?? '-')),
    },
    { name: 'Tries', width: 5, number: true, cell: ({ attempts }) => String(attempts.length) },
    { name: 'Caller', width: 18, cell: ({ caller }) => caller.name ?? caller.id },
    { name: 'Error', width: 24, cell: ({ error }) => error ?? '' },
  ];
}

function milliseconds(ms: number | undefined): string {
  if (ms === undefined) return '-';
  return ms < 10_000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

function usd(value: number): string {
  return `$${value.toFixed(value >= 1 || value === 0 ? 2 : 5)}`;
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((part / whole) * 100).toFixed(1)} %`;
}
