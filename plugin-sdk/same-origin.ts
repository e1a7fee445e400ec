/**
 * True when a request comes from a page of this very origin, as the browser says it: `sec-fetch-site`, or where that is
 * missing `origin`. False when the browser says nothing, which old ones and tools do.
 */
export function isSameOrigin(headers: { get(name: string): string | null }): boolean {
  const site = headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin';
  const origin = headers.get('origin');
  const host = headers.get('host');
  return origin !== null && host !== null && URL.canParse(origin) && new URL(origin).host === host;
}
