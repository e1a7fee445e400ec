import type { Caller, KeyFilter, ModelFilter } from '../../plugin-sdk/index.ts';
import { accountsOf } from '../../plugin-sdk/ports/accounts.ts';
import type { Entity } from '../../plugin-sdk/ports/entities.ts';
import type { Customer, ProviderGrant, Team, VirtualKey } from '../../plugin-sdk/ports/entity-schemas.ts';
import type { Account } from '../../plugin-sdk/ports/ledger.ts';
import { measures } from './accounts.ts';

/** A caller with everything that governs it, prepared once and used for every call until an entity changes. */
export interface Subject {
  readonly caller: Caller;
  readonly virtualKey: VirtualKey | undefined;
  /** Milliseconds since 1970; `Infinity` when it never expires. */
  readonly expiresAt: number;
  /** Of the caller, its team and its customer: every call counts in all of them. */
  readonly accounts: readonly Account[];
  /** One of them counts tokens or money. */
  readonly measured: boolean;
  /** Absent: every provider is allowed. */
  readonly grants: ReadonlyMap<string, Grant> | undefined;
  /** What model lists and key selection must leave out; absent: nothing. */
  readonly modelFilter: ModelFilter | undefined;
  readonly keyFilter: KeyFilter | undefined;
}

export interface Grant {
  readonly grant: ProviderGrant;
  readonly accounts: readonly Account[];
}

export interface Owners {
  readonly team: Entity<'team'> | undefined;
  readonly customer: Entity<'customer'> | undefined;
}

export function subjectOfVirtualKey({ id, value }: Entity<'virtual-key'>, owners: Owners): Subject {
  const accounts = [...accountsOf(`virtual-key:${id}`, value), ...ownerAccounts(owners)];
  const grants =
    value.providers === undefined
      ? undefined
      : new Map(
          value.providers.map((grant) => [
            grant.provider,
            { grant, accounts: accountsOf(`virtual-key:${id}:${grant.provider}`, grant) },
          ]),
        );
  const open = grants === undefined && value.models.includes('*') && value.blockedModels.length === 0;
  const subject = {
    caller: { id, kind: 'virtual-key', name: value.name, ...ownerIds(owners) },
    virtualKey: value,
    expiresAt: value.expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(value.expiresAt),
    accounts,
    measured: measures(accounts),
    grants,
  } as const;
  const anyKey = value.keys === undefined && !value.providers?.some(({ keys }) => keys !== undefined);
  return {
    ...subject,
    modelFilter: open ? undefined : (provider, model) => denial(subject, provider, model) === undefined,
    keyFilter: anyKey
      ? undefined
      : (provider, key) =>
          (value.keys?.includes(key) ?? true) && (grants?.get(provider)?.grant.keys?.includes(key) ?? true),
  };
}

export function subjectOfOthers(caller: Caller, owners: Owners): Subject {
  const accounts = ownerAccounts(owners);
  return {
    caller: { ...caller, ...ownerIds(owners) },
    virtualKey: undefined,
    expiresAt: Number.POSITIVE_INFINITY,
    accounts,
    measured: measures(accounts),
    grants: undefined,
    modelFilter: undefined,
    keyFilter: undefined,
  };
}

/** Which part of a target is not allowed; `undefined` when all is. A call without a model is not allowed where models are restricted. */
export function denial(
  { virtualKey, grants }: Pick<Subject, 'virtualKey' | 'grants'>,
  provider: string,
  model: string,
): 'provider' | 'model' | undefined {
  if (virtualKey === undefined) return undefined;
  const grant = grants?.get(provider)?.grant;
  if (grants !== undefined && grant === undefined) return 'provider';
  const allowed = permits(virtualKey, provider, model) && (grant === undefined || permits(grant, provider, model));
  return allowed ? undefined : 'model';
}

function permits(rule: Pick<VirtualKey, 'models' | 'blockedModels'>, provider: string, model: string): boolean {
  if (model === '') return rule.models.includes('*') && rule.blockedModels.length === 0;
  const full = `${provider}/${model}`;
  const named = (pattern: string): boolean => matches(pattern, model) || matches(pattern, full);
  return rule.models.some(named) && !rule.blockedModels.some(named);
}

/** A name, a prefix with a trailing `*`, or `*` for all; case does not count, since providers disagree about it. */
export function matches(pattern: string, name: string): boolean {
  if (pattern === '*' || pattern === name) return true;
  const lower = pattern.toLowerCase();
  return lower.endsWith('*') ? name.toLowerCase().startsWith(lower.slice(0, -1)) : lower === name.toLowerCase();
}

function ownerAccounts({ team, customer }: Owners): Account[] {
  const of = (kind: string, owner: Entity<'team' | 'customer'> | undefined): Account[] =>
    owner === undefined ? [] : accountsOf(`${kind}:${owner.id}`, owner.value as Team | Customer);
  return [...of('team', team), ...of('customer', customer)];
}

function ownerIds({ team, customer }: Owners): { team?: string; customer?: string } {
  return {
    ...(team === undefined ? {} : { team: team.id }),
    ...(customer === undefined ? {} : { customer: customer.id }),
  };
}
