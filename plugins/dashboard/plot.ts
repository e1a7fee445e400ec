import { moment } from './format.ts';
import { type Html, html, type Part } from './html.ts';

export interface Series {
  readonly name: string;
  /** Chooses the colour. */
  readonly tone: 'main' | 'second' | 'third' | 'bad' | 'good';
  /** One for each moment; `undefined` leaves a gap. */
  readonly values: readonly (number | undefined)[];
}

export interface Plot {
  readonly id: string;
  readonly title: string;
  /** The figure that matters most, beside the title. */
  readonly headline: Part;
  /** `bars` are stacked. */
  readonly shape: 'bars' | 'lines';
  /** Starts of the buckets, milliseconds since 1970. */
  readonly times: readonly number[];
  /** How moments of the axis are shown. */
  readonly shown: 'minute' | 'day';
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  /** Whole numbers only: so is half of the scale. */
  readonly whole?: boolean;
}

const width = 600;
const height = 160;

/**
 * Numbers over time as a picture, as a slider that reads moment by moment, and as a table. The picture stretches with the
 * page, so it holds no text.
 */
export function plot(given: Plot): Html {
  const { id, title, headline, times, series, shape, shown, format } = given;
  const sums = shape === 'bars' ? times.map((_, i) => stackOf(series, i)) : series.flatMap(({ values }) => values);
  const round = ceiling(Math.max(0, ...sums.map((value) => value ?? 0)));
  const top = given.whole === true && round % 2 === 1 ? round + 1 : round;
  const middle = times[Math.floor(times.length / 2)] ?? 0;
  return html`<figure class="plot-card" aria-labelledby="${id}-title">
<figcaption><span class="plot-title" id="${id}-title">${title}</span><span class="headline">${headline}</span>
<span class="legend">${series.map(({ name, tone }) => html`<span class="key ${tone}">${name}</span>`)}</span></figcaption>
<div class="plot" id="${id}" tabindex="0" role="slider" aria-label="${title}, moment by moment" aria-valuemin="1" aria-valuemax="${times.length}" aria-valuenow="${times.length}" aria-valuetext="Use the arrow keys to read the plot">
<div class="scale" aria-hidden="true"><span>${format(top)}</span><span>${format(top / 2)}</span><span>0</span></div>
<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" aria-hidden="true">
<path class="grid" d="M0 1H${width}M0 ${height / 2}H${width}M0 ${height - 1}H${width}" />
${shape === 'bars' ? bars(series, times.length, top) : series.map(({ tone, values }) => line(values, tone, top))}
<path class="cursor" d="" />
</svg>
<div class="axis" aria-hidden="true"><span>${moment(times[0] ?? 0, shown)}</span><span>${moment(middle, shown)}</span><span>${moment(times.at(-1) ?? 0, shown)}</span></div>
</div>
<output class="readout small" aria-hidden="true"></output>
<details id="${id}-table"><summary>Table<span class="unseen"> of ${title}</span></summary><div class="scroll" tabindex="0" role="region" aria-label="${title} as a table"><table>
<caption class="unseen">${title}</caption>
<thead><tr><th scope="col">From</th>${series.map(({ name }) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
<tbody>${times.map((time, i) => html`<tr><th scope="row">${moment(time, shown)}</th>${series.map(({ values }) => html`<td class="number">${values[i] === undefined ? '–' : format(values[i])}</td>`)}</tr>`)}</tbody>
</table></div></details>
</figure>`;
}

function stackOf(series: readonly Series[], i: number): number {
  return series.reduce((sum, { values }) => sum + (values[i] ?? 0), 0);
}

function bars(series: readonly Series[], buckets: number, top: number): Html[] {
  const step = width / Math.max(1, buckets);
  const gap = step > 6 ? 1.5 : 0.5;
  const floor = new Array<number>(buckets).fill(0);
  return series.map(({ tone, values }) => {
    let path = '';
    values.forEach((value, i) => {
      if (value === undefined || value === 0) return;
      const from = y(floor[i]!, top);
      floor[i]! += value;
      path += `M${(i * step + gap / 2).toFixed(2)} ${from}H${((i + 1) * step - gap / 2).toFixed(2)}V${y(floor[i]!, top)}H${(i * step + gap / 2).toFixed(2)}Z`;
    });
    return html`<path class="fill ${tone}" d="${path}" />`;
  });
}

function line(values: Series['values'], tone: Series['tone'], top: number): Html {
  const step = width / Math.max(1, values.length);
  let path = '';
  let pen = false;
  values.forEach((value, i) => {
    if (value === undefined) {
      pen = false;
      return;
    }
    const x = ((i + 0.5) * step).toFixed(2);
    // A moment alone between gaps is a dot: a line of no length with round ends.
    path += pen ? `L${x} ${y(value, top)}` : `M${x} ${y(value, top)}h.01`;
    pen = true;
  });
  return html`<path class="line ${tone}" d="${path}" />`;
}

function y(value: number, top: number): string {
  return (height - 1 - (value / top) * (height - 2)).toFixed(2);
}

/** The next round number: 1, 2, 4, 5 or 8 times a power of ten. */
function ceiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 5, 8, 10].find((step) => step * power >= value * 0.999) ?? 10) * power;
}
