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
    // A page's module is read when somebody first asks for it: most starts of a gateway are not for its pages.
    const pages: HandlerRoute[] = [
      page('/ui', '/ui', async (query) => (await import('./pages/overview.ts')).overview(host, query)),
      page('/ui/requests', '/ui/requests', async (query) =>
        (await import('./pages/requests.ts')).requests(host, query),
      ),
      page('/ui/requests/:id', '/ui/requests', async (_, { req }) =>
        (await import('./pages/request.ts')).request(host, timelines, req.param('id') ?? ''),
      ),
      page('/ui/providers', '/ui/providers', async () => (await import('./pages/providers.ts')).providers(host)),
      page('/ui/virtual-keys', '/ui/virtual-keys', async () =>
        (await import('./pages/virtual-keys.ts')).virtualKeys(host),
      ),
      page('/ui/jobs', '/ui/jobs', async (query, context) =>
        (await import('./pages/jobs.ts')).jobs(host, query, mayWrite(host, context)),
      ),
      page('/ui/plugins', '/ui/plugins', async () => (await import('./pages/plugins.ts')).plugins(host)),
      page('/ui/config', '/ui/config', async () => (await import('./pages/config.ts')).config(host)),
    ];
    const cancel: HandlerRoute = {
      type: 'handler',
      method: 'POST',
      path: '/ui/jobs/:id/cancel',
      guard: { admin: 'write' },
      handler: async (context) => (await import('./pages/jobs.ts')).cancelJob(host, context),
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
