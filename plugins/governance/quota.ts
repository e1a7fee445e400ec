import type { Context } from 'hono';
import { type Clock, GatewayRequest, type HandlerRoute, noBody, RequestHeaders } from '../../plugin-sdk/index.ts';
import { viewAccount } from '../../plugin-sdk/ports/account-view.ts';
import type { Ledger } from '../../plugin-sdk/ports/ledger.ts';
import { checkSubject } from './access.ts';
import type { Identity } from './identity.ts';

/** `GET /api/quota`: what is left to the caller, asked with its own virtual key or token. */
export function quotaRoute(identity: Identity, ledger: Ledger, clock: Clock): HandlerRoute {
  return {
    type: 'handler',
    method: 'GET',
    path: '/api/quota',
    guard: { caller: 'virtual key or token' },
    handler: async (context) => context.json(await quotaOf(context, identity, ledger, clock.now())),
  };
}

async function quotaOf({ req }: Context, identity: Identity, ledger: Ledger, now: number) {
  const { search, pathname } = new URL(req.url);
  const headers = new RequestHeaders(Object.entries(req.header()).flat());
  const subject = await identity.identify(new GatewayRequest('GET', pathname, search, headers, noBody));
  checkSubject(subject, true, now);
  const { id, kind, name, team, customer } = subject.caller;
  const ofGrants = [...(subject.grants?.values() ?? [])].flatMap(({ accounts }) => accounts);
  const usages = await ledger.usage([...subject.accounts, ...ofGrants]);
  return {
    caller: { id, kind, name, team, customer },
    expiresAt: Number.isFinite(subject.expiresAt) ? new Date(subject.expiresAt).toISOString() : null,
    accounts: usages.map(viewAccount),
  };
}
