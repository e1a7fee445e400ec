import type { Context } from 'hono';
import { getCookie } from 'hono/cookie';
import { z } from 'zod';
import {
  adminCookie,
  definePlugin,
  GatewayError,
  type HandlerRoute,
  type Host,
  isGatewayError,
} from '../../plugin-sdk/index.ts';
import { assetRoutes } from './assets.ts';
import { gatewayRoute } from './gateway-api.ts';
import { html } from './html.ts';
import { type Page, respond } from './layout.ts';
import { config } from './pages/config.ts';
import { cancelJob, jobs } from './pages/jobs.ts';
import { overview } from './pages/overview.ts';
import { plugins } from './pages/plugins.ts';
import { providers } from './pages/providers.ts';
import { request } from './pages/request.ts';
import { requests } from './pages/requests.ts';
import { virtualKeys } from './pages/virtual-keys.ts';
import { signInRoutes } from './sign-in.ts';
import { Timelines } from './timelines.ts';

type Show = (query: URLSearchParams, context: Context) => Page | Promise<Page>;

/** Pages for the operator at /ui: made here, brought up to date by one small script, with nothing from elsewhere. */
export default definePlugin({
  name: 'plugins/dashboard',
  description: 'A page for the operator at /ui: requests, latency, cost, keys, budgets, plugins.',
  options: z.strictObject({
    timelines: z.int().min(0).default(1_000).describe('Requests of which is kept what each plugin took.'),
  }),
  setup(options, host) {
    const timelines = new Timelines(options.timelines);
    const page = (path: string, section: Page['section'], show: Show): HandlerRoute => ({
      type: 'handler',
      method: 'GET',
      path,
      guard: { admin: 'read', signIn: '/ui/sign-in' },
      handler: (context) => shown(context, host, section, show),
    });
    const pages: HandlerRoute[] = [
      page('/ui', '/ui', (query) => overview(host, query)),
      page('/ui/requests', '/ui/requests', (query) => requests(host, query)),
      page('/ui/requests/:id', '/ui/requests', (_, { req }) => request(host, timelines, req.param('id') ?? '')),
      page('/ui/providers', '/ui/providers', () => providers(host)),
      page('/ui/virtual-keys', '/ui/virtual-keys', () => virtualKeys(host)),
      page('/ui/jobs', '/ui/jobs', (query, context) => jobs(host, query, mayWrite(host, context))),
      page('/ui/plugins', '/ui/plugins', () => plugins(host)),
      page('/ui/config', '/ui/config', () => config(host)),
    ];
    const cancel: HandlerRoute = {
      type: 'handler',
      method: 'POST',
      path: '/ui/jobs/:id/cancel',
      guard: { admin: 'write' },
      handler: (context) => cancelJob(host, context),
    };
    const slash: HandlerRoute = {
      type: 'handler',
      method: 'GET',
      path: '/ui/',
      guard: { public: true },
      handler: (context) => context.redirect('/ui', 308),
    };
    return {
      routes: [...pages, cancel, slash, ...signInRoutes(host), ...assetRoutes(), gatewayRoute(host)],
      hooks:
        options.timelines === 0
          ? {}
          : {
              preRoute: { order: 'pre', handler: (exchange) => timelines.ask(exchange) },
              postLog: { order: 'post', handler: (exchange, outcome) => timelines.keep(exchange, outcome) },
            },
    };
  },
});

/** Whoever may only look is not offered what would be refused. */
function mayWrite(host: Host, context: Context): boolean {
  const token = getCookie(context, adminCookie);
  return token !== undefined && host.allowsAdmin(token, 'write');
}

/** What goes wrong is said within the page, so that the operator can go on from there. */
async function shown(context: Context, host: Host, section: Page['section'], show: Show): Promise<Response> {
  try {
    return respond(context, host.generation, await show(new URL(context.req.url).searchParams, context));
  } catch (cause) {
    if (!isGatewayError(cause)) host.log.error({ err: cause }, 'a page of the dashboard failed');
    const error = isGatewayError(cause) ? cause : new GatewayError('BUG', { reason: 'the log says more' });
    const title = error.status === 404 ? 'Not found' : 'This did not work';
    return respond(
      context,
      host.generation,
      { title, section, body: html`<p class="empty" role="alert">${error.text}</p>` },
      error.status,
    );
  }
}
