const name = 'api-version=';

/** Edits of a raw query (`?…` or empty) that leave every other parameter as it is written. */

export function hasVersion(query: string): boolean {
  return parts(query).some((part) => part.startsWith(name));
}

export function withVersion(query: string, version: string): string {
  const pair = name + encodeURIComponent(version);
  return query === '' || query === '?' ? `?${pair}` : `${query}&${pair}`;
}

export function withoutVersion(query: string): string {
  if (!hasVersion(query)) return query;
  const rest = parts(query).filter((part) => !part.startsWith(name));
  return rest.length === 0 ? '' : `?${rest.join('&')}`;
}

function parts(query: string): string[] {
  return query.slice(1).split('&');
}
