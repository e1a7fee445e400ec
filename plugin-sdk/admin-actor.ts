import type { Context } from 'hono';
import type { Actor } from './ports/entities.ts';

/** Who calls a route behind the admin guard, for the audit trail: the name of the token, never the token. */
export function adminActor({ req, get }: Context): Actor {
  const name: unknown = get('admin');
  const requestId = req.header('x-request-id');
  return {
    id: typeof name === 'string' ? `admin:${name}` : 'admin',
    ...(requestId === undefined ? {} : { requestId: requestId.slice(0, 200) }),
  };
}
