import { type Html, html, type Part } from './html.ts';

/** A part of a page with a heading. `id` lets the script replace its content when the page updates itself. */
export function section(id: string, title: string, body: Part, note?: Part): Html {
  return html`<section class="panel" aria-labelledby="${id}-title" id="${id}">
<div class="panel-head"><h2 id="${id}-title">${title}</h2>${note !== undefined && html`<div class="quiet small">${note}</div>`}</div>
<div data-live id="${id}-body">${body}</div>
</section>`;
}

export interface Column<T> {
  readonly name: string;
  readonly cell: (row: T) => Part;
  /** Right-aligned, in figures of one width. */
  readonly number?: boolean;
  /** The cell that names its row. */
  readonly head?: boolean;
}

/** A table whose caption is read aloud; `empty` is said when there is no row. */
export function table<T>(caption: string, columns: readonly Column<T>[], rows: readonly T[], empty: Part): Html {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table>
<caption class="unseen">${caption}</caption>
<thead><tr>${columns.map(({ name, number }) => html`<th scope="col"${number === true && html` class="number"`}>${name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${columns.map((column) => cellOf(column, row))}</tr>`)}</tbody>
</table></div>`;
}

function cellOf<T>({ cell, number, head }: Column<T>, row: T): Html {
  if (head === true) return html`<th scope="row">${cell(row)}</th>`;
  return html`<td${number === true && html` class="number"`}>${cell(row)}</td>`;
}

/** A section of a plugin that is not loaded. */
export function missing(plugin: string, gives: string): Html {
  return html`<div class="empty">
<p><strong>${gives} needs <code>${plugin}</code>, which is not loaded.</strong></p>
<p>Add it to <code>plugins</code> in the config; the gateway takes it over without a restart:</p>
<pre><code>"${plugin}": {}</code></pre>
</div>`;
}

export type Tone = 'good' | 'bad' | 'warn' | 'plain';

/** A word with a colour, which never says more than the word. */
export function badge(text: Part, tone: Tone): Html {
  return html`<span class="badge ${tone}">${text}</span>`;
}

/** How full something is, from 0 to 1. `label` says it in words. */
export function bar(share: number, label: string): Html {
  const full = Math.max(0, Math.min(1, share));
  const tone = full >= 1 ? 'bad' : full >= 0.8 ? 'warn' : 'good';
  return html`<svg class="bar ${tone}" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="${label}"><rect class="track" width="100" height="6" /><rect class="full" width="${(full * 100).toFixed(2)}" height="6" /></svg>`;
}

export function facts(list: readonly (readonly [string, Part])[]): Html {
  return html`<dl class="facts">${list.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Links that choose one of several values; the others of the query stay. */
export function choice(
  label: string,
  parameter: string,
  values: readonly (readonly [string, string])[],
  chosen: string,
  query: URLSearchParams,
): Html {
  return html`<nav class="choice" aria-label="${label}"><ul>${values.map(([value, name]) => {
    const next = new URLSearchParams(query);
    next.set(parameter, value);
    return html`<li><a href="?${next}"${value === chosen && html` aria-current="true"`}>${name}</a></li>`;
  })}</ul></nav>`;
}
