import { GatewayError, Secret } from '../../plugin-sdk/index.ts';
import type { Entities } from '../../plugin-sdk/ports/entities.ts';
import type { GovernanceOptions } from './options.ts';

/**
 * Puts what the config file names over what is stored. Throws GatewayError CFG_INVALID for ids and credentials that come
 * twice and for owners that do not exist: a misspelt team would leave a budget unused.
 */
export async function declareEntities(entities: Entities, options: GovernanceOptions): Promise<void> {
  const { virtualKeys, teams, customers, limits } = options;
  for (const { id, name = id, ...customer } of customers) entities.declare('customer', id, { ...customer, name });
  for (const { id, name = id, ...team } of teams) entities.declare('team', id, { ...team, name });
  for (const { id, ...limit } of limits) entities.declare('limit', id, limit);
  for (const { id, value, name = id, ...key } of virtualKeys)
    entities.declare('virtual-key', id, { ...key, name }, value);

  const problems = [
    ...twice('virtualKeys', virtualKeys),
    ...sameValues(virtualKeys),
    ...twice('teams', teams),
    ...twice('customers', customers),
    ...twice('limits', limits),
  ];
  const owners = [
    ...virtualKeys.map(({ team }, i) => ({ path: `virtualKeys[${i}].team`, kind: 'team', id: team }) as const),
    ...virtualKeys.map(
      ({ customer }, i) => ({ path: `virtualKeys[${i}].customer`, kind: 'customer', id: customer }) as const,
    ),
    ...teams.map(({ customer }, i) => ({ path: `teams[${i}].customer`, kind: 'customer', id: customer }) as const),
  ];
  for (const { path, kind, id } of owners) {
    if (id !== undefined && (await entities.get(kind, id)) === undefined)
      problems.push(`${path}: there is no ${kind} ${id}`);
  }
  if (problems.length > 0)
    throw new GatewayError('CFG_INVALID', { report: `plugins/governance: ${problems.join('; ')}` });
}

/** One of the two would never be charged. */
function sameValues(virtualKeys: GovernanceOptions['virtualKeys']): string[] {
  const owners = new Map<string, string>();
  return virtualKeys.flatMap(({ id, value }, i) => {
    const plain = Secret.reveal(value);
    const owner = owners.get(plain);
    if (owner !== undefined && owner !== id) return [`virtualKeys[${i}].value: ${owner} has it already`];
    owners.set(plain, id);
    return [];
  });
}

function twice(list: string, declared: readonly { readonly id: string }[]): string[] {
  const seen = new Set<string>();
  return declared.flatMap(({ id }, i) => {
    if (seen.has(id)) return [`${list}[${i}].id: ${id} is used twice`];
    seen.add(id);
    return [];
  });
}
