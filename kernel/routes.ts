import type { Context } from 'hono';
import { Hono } from 'hono';
import {
  type ExchangeRoute,
  GatewayError,
  type HandlerRoute,
  isGatewayError,
  isSameOrigin,
  type Logger,
  type Route,
  type RouteView,
} from '../plugin-sdk/index.ts';
import { type AdminGuard, bearer } from './admin-guard.ts';
import { endpointAdvice } from './endpoint-advice.ts';
import { errorHeaders } from './error-headers.ts';
import { newRequestId } from './request-id.ts';

/** The gateway's own endpoints, each behind its guard. There is no way to mount one without. `bodyBytes`: most a body may have. */
export function mountHandlers(
  routes: readonly { readonly plugin: string; readonly route: Route }[],
  guard: AdminGuard,
  bodyBytes: number,
  log: Logger,
): Hono {
  const app = new Hono<{ Variables: { requestId: string } }>();
  app.use(async (context, next) => {
    context.set('requestId', newRequestId());
    await next();
    context.header('x-request-id', context.get('requestId'));
  });
  const methods = new Set<string>();
  for (const { plugin, route } of routes) {
    if (route.type !== 'handler') continue;
    const guarded = (context: Context): Response | Promise<Response> => {
      checkBodySize(context, bodyBytes);
      if ('admin' in route.guard) {
        const refused = admit(context, guard, route.guard.admin, route.guard.signIn);
        if (refused !== undefined) return refused;
      }
      return answer(plugin, route, context);
    };
    if (route.method === 'ALL') app.all(route.path, guarded);
    else {
      methods.add(route.method);
      app.on(route.method, route.path, guarded);
    }
  }
  app.notFound((context) => {
    const { method, path } = context.req;
    // What stands before every endpoint is found at each path.
    const allowed = [...methods].filter((other) => app.router.match(other, path)[0].length > 1);
    if (allowed.length > 0)
      return failure(new GatewayError('REQ_METHOD', { method, path, allowed: allowed.join(' or ') }));
    return failure(
      new GatewayError('REQ_UNKNOWN_ENDPOINT', {
        method,
        path,
        advice: endpointAdvice(
          routes.map(({ route }) => route),
          method,
          path,
        ),
      }),
    );
  });
  app.onError((cause, context) => {
    const error = isGatewayError(cause) ? cause : new GatewayError('BUG', { reason: 'an endpoint failed' }, { cause });
    if (error.status === 500) {
      const err = error.cause ?? error.text;
      log.error(
        { request: context.get('requestId'), path: context.req.path, ...error.fields, err },
        'an endpoint failed',
      );
    }
    return failure(error);
  });
  return app as unknown as Hono;
}

/** Throws GatewayError PLUGIN_FAILED, PLUGIN_BAD_RESULT for what no handler may do, and what the handler throws of that kind. */
async function answer(plugin: string, { handler, path: hook }: HandlerRoute, context: Context): Promise<Response> {
  let response: unknown;
  try {
    response = await handler(context);
  } catch (cause) {
    throw isGatewayError(cause) ? cause : new GatewayError('PLUGIN_FAILED', { plugin, hook }, { cause });
  }
  if (response instanceof Response) {
    // hono leaves the body of a HEAD lying, and what makes it would run for ever.
    if (context.req.method === 'HEAD') response.body?.cancel().catch(() => undefined);
    return response;
  }
  throw new GatewayError('PLUGIN_BAD_RESULT', { plugin, hook, reason: 'a handler must answer with a Response' });
}

/** Handlers read bodies whole, so each must say its size. Throws GatewayError REQ_TOO_LARGE, REQ_LENGTH. */
function checkBodySize({ req }: Context, limit: number): void {
  if (req.header('transfer-encoding') !== undefined) throw new GatewayError('REQ_LENGTH', {});
  if (Number(req.header('content-length') ?? 0) > limit) throw new GatewayError('REQ_TOO_LARGE', { limit });
}

/** Throws GatewayError AUTH_*; gives a redirect where a browser can sign in. */
function admit(
  context: Context,
  guard: AdminGuard,
  scope: 'read' | 'write',
  signIn: string | undefined,
): Response | undefined {
  const { req } = context;
  const authorization = req.header('authorization');
  const cookie = req.header('cookie');
  try {
    // A browser sends the cookie by itself, whoever makes it call: only the gateway's own pages may change things by it.
    const byCookie = bearer(authorization) === undefined && cookie !== undefined;
    if (byCookie && req.method !== 'GET' && req.method !== 'HEAD' && !isSameOrigin(req.raw.headers)) {
      throw new GatewayError('AUTH_ADMIN', { reason: 'the call comes from another site' });
    }
    context.set('admin' as never, guard.check(authorization, cookie, scope) as never);
    return undefined;
  } catch (error) {
    if (signIn === undefined || !isGatewayError(error)) throw error;
    return context.redirect(signIn, 303);
  }
}

/** An error of the gateway's own endpoints, in OpenAI's shape. */
export function failure(error: GatewayError): Response {
  const { text, type, param, openaiCode } = error;
  const body = JSON.stringify({ error: { message: text, type, param: param ?? null, code: openaiCode } });
  return new Response(body, { status: error.status, headers: errorHeaders(error) });
}

/** How `plan` and the dashboard show a route. */
export function viewRoute(plugin: string, route: Route, identity: readonly string[]): RouteView {
  const { method, path } = route;
  return {
    method,
    path,
    plugin,
    operation: route.type === 'exchange' ? route.operation : undefined,
    guards: guardsOf(route, identity),
  };
}

function guardsOf(route: ExchangeRoute | HandlerRoute, identity: readonly string[]): string[] {
  if (route.type === 'exchange') return ['limits', ...identity, 'egress'];
  if ('public' in route.guard) return ['public'];
  return 'admin' in route.guard ? [`admin token (${route.guard.admin})`] : [route.guard.caller];
}
