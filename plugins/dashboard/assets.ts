import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { HandlerRoute } from '../../plugin-sdk/index.ts';

const files = {
  'dashboard.css': 'text/css; charset=utf-8',
  'dashboard.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

/** The files that pages ask for, read once. They hold nothing secret: the sign-in page needs them too. */
export function assetRoutes(): HandlerRoute[] {
  return Object.entries(files).map(([name, type]) => {
    const bytes = readFileSync(new URL(`./assets/${name}`, import.meta.url));
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 16)}"`;
    const headers = { 'content-type': type, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff', etag };
    return {
      type: 'handler',
      method: 'GET',
      path: `/ui/assets/${name}`,
      guard: { public: true },
      handler: (context) =>
        context.req.header('if-none-match') === etag
          ? new Response(null, { status: 304, headers })
          : new Response(bytes, { headers }),
    };
  });
}
