import type { Context } from 'hono';
import { adminCookie, type HandlerRoute, type Host, isSameOrigin } from '../../plugin-sdk/index.ts';
import { type Html, html } from './html.ts';
import { document } from './layout.ts';

const maxBodyBytes = 4_096;
const windowMs = 60_000;
/** Wrong tokens from anyone within a window; more are not even looked at. */
const maxFailures = 20;

/** Sign-in trades the admin token for a cookie that scripts cannot read and other sites cannot send. */
export function signInRoutes(host: Host): HandlerRoute[] {
  let failures = 0;
  let windowEnd = 0;
  const isTired = (): boolean => {
    const now = host.clock.now();
    if (now >= windowEnd) {
      failures = 0;
      windowEnd = now + windowMs;
    }
    return failures >= maxFailures;
  };
  const signIn = async (context: Context): Promise<Response> => {
    if (!isSameOrigin(context.req.raw.headers)) return form(context, 'The form was sent from another site.', 403);
    if (isTired()) return form(context, 'Too many wrong tokens. Wait a minute.', 429);
    const token = await tokenOf(context);
    if (token === undefined || !host.allowsAdmin(token, 'read')) {
      failures += 1;
      host.log.warn({}, 'a sign-in to the dashboard was refused');
      return form(context, 'This token is not known.', 401);
    }
    if (!/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/.test(token)) {
      return form(context, 'This token has characters that a cookie cannot hold. Use another one here.', 400);
    }
    return redirect('/ui', `${adminCookie}=${token}`, isSecure(context));
  };
  const signOut = (context: Context): Response => {
    if (!isSameOrigin(context.req.raw.headers)) return form(context, 'The form was sent from another site.', 403);
    return redirect('/ui/sign-in', `${adminCookie}=; Max-Age=0`, isSecure(context));
  };
  const route = (method: string, path: string, handler: HandlerRoute['handler']): HandlerRoute => ({
    type: 'handler',
    method,
    path,
    guard: { public: true },
    handler,
  });
  return [
    route('GET', '/ui/sign-in', (context) => form(context)),
    route('POST', '/ui/sign-in', signIn),
    route('POST', '/ui/sign-out', signOut),
  ];
}

async function tokenOf(context: Context): Promise<string | undefined> {
  if (Number(context.req.header('content-length') ?? maxBodyBytes + 1) > maxBodyBytes) return undefined;
  const text = (await context.req.text()).slice(0, maxBodyBytes);
  return new URLSearchParams(text).get('token')?.trim() || undefined;
}

function isSecure(context: Context): boolean {
  return context.req.header('x-forwarded-proto') === 'https' || new URL(context.req.url).protocol === 'https:';
}

function redirect(location: string, cookie: string, secure: boolean): Response {
  const value = `${cookie}; Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
  return new Response(null, { status: 303, headers: { location, 'set-cookie': value, 'cache-control': 'no-store' } });
}

function form(context: Context, problem?: string, status = 200): Response {
  const warned = problem !== undefined && html` aria-invalid="true" aria-describedby="problem"`;
  const body: Html = html`<main class="sign-in">
<form method="post" action="/ui/sign-in" class="card">
<h1>Bifrost <span class="quiet">Kernel</span></h1>
${problem !== undefined && html`<p class="problem" id="problem" role="alert">${problem}</p>`}
<label for="token">Admin token</label>
<input id="token" name="token" type="password" required autocomplete="current-password" spellcheck="false" autofocus${warned}>
<button class="primary">Sign in</button>
<p class="quiet small">The first start printed it, once. Lost? Stop the gateway, remove <code>admin-token</code> from its data folder and start it again; or set one at <code>admin.tokens</code> in the config.</p>
</form></main>`;
  return document(context, 'Sign in', body, status);
}
