import type { Host } from '../../../plugin-sdk/index.ts';
import { moment } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { Page } from '../layout.ts';
import { facts, section } from '../parts.ts';

const hidden = '[secret]';

/** The config that runs; whatever is or may be a credential is hidden. */
export function config(host: Host): Page {
  const view = host.inspect();
  return {
    title: 'Config',
    section: '/ui/config',
    lead: 'Change the file and it is taken over; a mistake leaves the running one.',
    body: html`${facts([
      ['Generation', html`<code>${view.generation}</code>`],
      ['Started', html`<span class="name">${moment(view.startedAt, 'full')}</span>`],
      ['Process', `${process.pid}`],
      ['Node', process.version],
    ])}
${section('json', 'Running config', html`<pre tabindex="0" class="tall"><code>${marked(JSON.stringify(view.config, null, 2))}</code></pre>`)}`,
  };
}

function marked(json: string): Html[] {
  return json.split(`"${hidden}"`).map((piece, i) => html`${i > 0 && html`<span class="tag">secret</span>`}${piece}`);
}
