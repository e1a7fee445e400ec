import type { Context } from 'hono';
import { getCookie } from 'hono/cookie';
import { type Html, html, type Part } from './html.ts';

export const sections = [
  ['/ui', 'Overview'],
  ['/ui/requests', 'Requests'],
  ['/ui/providers', 'Providers and keys'],
  ['/ui/virtual-keys', 'Virtual keys'],
  ['/ui/jobs', 'Jobs'],
  ['/ui/plugins', 'Plugins'],
  ['/ui/config', 'Config'],
] as const;

export interface Page {
  readonly title: string;
  /** Path of the section that the page belongs to. */
  readonly section: (typeof sections)[number][0];
  /** One line below the title. */
  readonly lead?: Part;
  /** Beside the title. */
  readonly controls?: Html;
  readonly body: Html;
  /** How the page keeps itself up to date: with each new record, or every so many milliseconds. */
  readonly updates?: 'records' | number;
}

/** No script or style but the plugin's own files, nothing from elsewhere, no framing. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': policy,
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

const mark = html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><path d="M3 22a13 13 0 0 1 26 0" /><path d="M8.5 22a7.5 7.5 0 0 1 15 0" /><path d="M1 26h30" /></svg>`;

/** A page within the frame: navigation, title, content. */
export function respond(context: Context, generation: string, page: Page, status = 200): Response {
  const { title, section, lead, controls, body, updates } = page;
  return document(
    context,
    title,
    html`<a class="skip" href="#content">Skip to content</a>
<div class="frame">
  <header class="side">
    <a class="brand" href="/ui">${mark}<span>Bifrost <span class="quiet">Kernel</span></span></a>
    <nav class="sections" aria-label="Sections"><ul>
      ${sections.map(([path, name]) => html`<li><a href="${path}"${path === section && html` aria-current="page"`}>${name}</a></li>`)}
    </ul></nav>
    <div class="foot">
      <button type="button" class="plain" id="theme" hidden>Theme</button>
      <form method="post" action="/ui/sign-out"><button class="plain">Sign out</button></form>
      <p class="quiet small">Config <code>${generation}</code></p>
    </div>
  </header>
  <main id="content" tabindex="-1"${updates !== undefined && html` data-updates="${updates}"`}>
    <div class="head">
      <div><h1>${title}</h1>${lead !== undefined && html`<p class="lead">${lead}</p>`}</div>
      <div class="controls">${controls}${updates !== undefined && liveControl}</div>
    </div>
    ${body}
  </main>
</div>`,
    status,
  );
}

const liveControl = html`<button type="button" class="live" id="live" aria-pressed="true" hidden><span class="pulse" aria-hidden="true"></span>Live</button><p class="unseen" role="status" id="news"></p>`;

/** A page without frame. */
export function document(context: Context, title: string, body: Html, status = 200): Response {
  const chosen = getCookie(context, 'bifrost_theme');
  const theme = chosen === 'dark' || chosen === 'light' ? html` data-theme="${chosen}"` : undefined;
  const { text } = html`<!doctype html>
<html lang="en"${theme}>
<head>
<meta charset="utf-8">
<title>${title} · Bifrost Kernel</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/ui/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/ui/assets/dashboard.css">
<script type="module" src="/ui/assets/dashboard.js"></script>
</head>
<body>${body}</body>
</html>
`;
  return new Response(text, { status, headers });
}
