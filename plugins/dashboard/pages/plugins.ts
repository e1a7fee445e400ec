import type { HandlerView, Host, PluginView, RouteView } from '../../../plugin-sdk/index.ts';
import { count, duration } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { Page } from '../layout.ts';
import { badge, section, table } from '../parts.ts';

const hookWords: Readonly<Record<string, string>> = {
  preRoute: 'who, whether, where',
  transformRequest: 'the request may change',
  selectKey: 'which key, for each attempt',
  execute: 'may answer instead of a provider, for each attempt',
  transformResponse: 'the reply may change; the time is that of whole replies',
  postLog: 'after the last byte',
};

/** What is loaded, in which order it runs in each hook, and what that takes. */
export function plugins(host: Host): Page {
  const view = host.inspect();
  const hooks = Map.groupBy(view.handlers, ({ hook }) => hook);
  return {
    title: 'Plugins',
    section: '/ui/plugins',
    updates: 3_000,
    lead: 'Times are of this process since the config was loaded, and include what a plugin waited for.',
    body: html`${section(
      'hooks',
      'Hooks in order',
      [...hooks].map(([hook, handlers]) => hookTable(hook, handlers)),
    )}
${section('plugins', 'Plugins in order', pluginTable(view.plugins), count(view.plugins.length))}
${section('routes', 'Routes', html`<details id="all-routes"><summary>All routes with their guards</summary>${routeTable(view.routes)}</details>`, count(view.routes.length))}`,
  };
}

function hookTable(hook: string, handlers: readonly HandlerView[]): Html {
  const slowest = Math.max(...handlers.map(mean), 0.001);
  return html`<h3>${hook} <span class="quiet small">${hookWords[hook]}</span></h3><div class="hooks">${table<
    HandlerView & { place: number }
  >(
    `Plugins in ${hook}, in order`,
    [
      {
        name: 'Plugin',
        head: true,
        cell: ({ place, plugin }) =>
          html`<span class="place quiet">${place}</span> <span class="name">${plugin}</span>`,
      },
      { name: 'Runs', number: true, cell: ({ runs }) => count(runs) },
      { name: 'Mean', number: true, cell: (handler) => (handler.runs === 0 ? '–' : duration(mean(handler))) },
      { name: 'Beside the slowest', cell: (handler) => meanBar(handler, slowest) },
      { name: 'Longest', number: true, cell: ({ runs, maxMs }) => (runs === 0 ? '–' : duration(maxMs)) },
      {
        name: 'Failures',
        number: true,
        cell: ({ failures }) => (failures === 0 ? '0' : badge(count(failures), 'bad')),
      },
    ],
    handlers.map((handler, i) => ({ ...handler, place: i + 1 })),
    'No plugin.',
  )}</div>`;
}

function mean({ runs, totalMs }: HandlerView): number {
  return runs === 0 ? 0 : totalMs / runs;
}

function meanBar(handler: HandlerView, slowest: number): Html {
  const width = ((mean(handler) / slowest) * 100).toFixed(1);
  return html`<svg class="bar main" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="6" /><rect class="full" width="${width}" height="6" /></svg>`;
}

function pluginTable(list: readonly PluginView[]): Html {
  return table<PluginView>(
    'Plugins in the order in which they were set up',
    [
      { name: 'Name', head: true, cell: ({ id }) => html`<span class="name">${id}</span>` },
      {
        name: 'Made of',
        cell: ({ id, definition }) => (definition === id ? '–' : html`<span class="name">${definition}</span>`),
      },
      {
        name: 'Why',
        cell: ({ implied }) => (implied ? html`<span class="tag">another plugin needs it</span>` : 'config'),
      },
      { name: 'Set-up', number: true, cell: ({ setupMs }) => duration(setupMs) },
    ],
    list,
    'No plugin.',
  );
}

function routeTable(list: readonly RouteView[]): Html {
  return table<RouteView>(
    'Routes with their guards',
    [
      { name: 'Path', head: true, cell: ({ path }) => html`<code>${path}</code>` },
      { name: 'Method', cell: ({ method }) => method },
      { name: 'Operation', cell: ({ operation }) => operation ?? '–' },
      { name: 'Guards', cell: ({ guards }) => guards.join(' → ') },
      { name: 'Plugin', cell: ({ plugin }) => html`<span class="name">${plugin}</span>` },
    ],
    list,
    'No route.',
  );
}
