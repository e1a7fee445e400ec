import type { Context } from 'hono';
import { type Clock, formatPeriod, GatewayRequest, type HandlerRoute, noBody, RequestHeaders } from '../../plugin-sdk/index.ts';
import type { Ledger } from '../../plugin-sdk/ports/ledger.ts';
import { checkSubject } from './access.ts';
import { nameOf, nanoPerUsd } from './accounts.ts';
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

async function quotaOf(context: Context, identity: Identity, ledger: Ledger, now: number) {
  const { req } = context;
  const { search, pathname } = new URL(req.url);
  const headers = new RequestHeaders(Object.entries(req.header()).flat());
  const subject = await identity.identify(new GatewayRequest('GET', pathname, search, headers, noBody));
  checkSubject(subject, true, now);
  const { id, kind, name, team, customer } = subject.caller;
  const usages = await ledger.usage([...subject.accounts, ...grantAccounts(subject)]);
  return {
    caller: { id, kind, name, team, customer },
    expires_at: Number.isFinite(subject.expiresAt) ? new Date(subject.expiresAt).toISOString() : null,
    accounts: usages.map(({ account, used, reserved, resetAt }) => {
      const scale = account.unit === 'nano-usd' ? nanoPerUsd : 1;
      return {
        account: nameOf(account),
        unit: account.unit === 'nano-usd' ? 'usd' : account.unit,
        period: account.window === undefined ? null : formatPeriod(account.window.period),
        calendar: account.window?.type === 'calendar',
        limit: account.limit / scale,
        used: used / scale,
        reserved: reserved / scale,
        remaining: Math.max(account.limit - used, 0) / scale,
        resets_at: resetAt === undefined ? null : new Date(resetAt).toISOString(),
      };
    }),
  };
}

function grantAccounts({ grants }: Awaited<ReturnType<Identity['identify']>>) {
  return [...(grants?.values() ?? [])].flatMap(({ accounts }) => accounts);
}
