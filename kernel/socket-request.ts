import { type FlatHeaders, lowerName } from '../plugin-sdk/index.ts';

/** Browsers cannot set headers on a WebSocket: their SDKs put the key into a subprotocol, `…api-key.VALUE`. */
const credential = /^[\w-]*api-key\.(.+)$/;

/** The headers of a call for a WebSocket with a credential among its subprotocols moved to where others have theirs. */
export function withoutProtocolCredential(headers: FlatHeaders): FlatHeaders {
  let key: string | undefined;
  const rest: FlatHeaders = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    let value = headers[i + 1]!;
    if (lowerName(name) === 'sec-websocket-protocol') {
      const protocols = value.split(/\s*,\s*/);
      key ??= protocols.map((protocol) => credential.exec(protocol)?.[1]).find((found) => found !== undefined);
      value = protocols.filter((protocol) => !credential.test(protocol)).join(', ');
      if (value === '') continue;
    }
    rest.push(name, value);
  }
  if (key === undefined || rest.some((part, i) => i % 2 === 0 && lowerName(part) === 'authorization')) return rest;
  return [...rest, 'authorization', `Bearer ${key}`];
}

/** A WebSocket has no body: its model is in the query, if anywhere. */
export function modelInQuery(query: string): string | undefined {
  const parameters = new URLSearchParams(query);
  return parameters.get('model') ?? parameters.get('deployment') ?? undefined;
}
