import type { Context } from 'hono';
import { z } from 'zod';
import { adminActor, GatewayError, type HandlerRoute, type Host, isObject, Secret } from '../../plugin-sdk/index.ts';
import { viewAccount } from '../../plugin-sdk/ports/account-view.ts';
import type { Entities, Entity, Expected } from '../../plugin-sdk/ports/entities.ts';
import { referencesOf } from '../../plugin-sdk/ports/entity-references.ts';
import type { Ledger } from '../../plugin-sdk/ports/ledger.ts';
import { expectedOf, InvalidRequest, parse, parseAll, readBody } from './requests.ts';
import {
  accountsIn,
  creation,
  idPattern,
  newId,
  newVirtualKey,
  type Resource,
  referrers,
  rotation,
  viewEntity,
} from './resources.ts';

export interface AdminServices {
  readonly host: Host;
  readonly entities: Entities;
  readonly ledger: Ledger;
}

export const listQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  offset: z.coerce.number().int().min(0).default(0),
  search: z.string().optional().describe('Part of the id or name.'),
});

/** The endpoints of one resource. */
export function resourceRoutes(resource: Resource, services: AdminServices): HandlerRoute[] {
  const { entities, ledger } = services;
  const { kind, noun, schema } = resource;
  const base = `/api/${resource.path}`;

  const find = async (context: Context): Promise<Entity> => {
    const id = context.req.param('id') ?? '';
    const entity = idPattern.test(id) ? await entities.get(kind, id) : undefined;
    if (entity === undefined) throw new GatewayError('STORE_UNKNOWN', { entity: noun, id: id.slice(0, 128) });
    return entity;
  };
  const show = (entity: Entity, status = 200, value?: string): Response => {
    const body = { ...viewEntity(entity), ...(value === undefined ? {} : { value }) };
    return Response.json(body, {
      status,
      headers: { etag: `"${entity.version}"`, ...(status === 201 ? { location: `${base}/${entity.id}` } : {}) },
    });
  };
  const check = (entity: Entity, expected: Expected): void => {
    if (entity.origin === 'config') throw new GatewayError('STORE_DECLARED', { entity: noun, id: entity.id });
    if (expected !== undefined && expected !== entity.version)
      throw new GatewayError('STORE_CONFLICT', { entity: noun });
  };
  const usageOf = async (entity: Entity) => (await ledger.usage(accountsIn(entity, resource))).map(viewAccount);

  const create = async (context: Context): Promise<Response> => {
    const body = await readBody(context);
    const own = creation[resource.credential];
    const isOwn = ([name]: [string, unknown]): boolean => name in own.shape;
    const members = Object.entries(body);
    const [{ id = newId(kind), value }, entity] = parseAll(
      () => parse(own as z.ZodType<Creation>, Object.fromEntries(members.filter(isOwn))),
      () => parse(schema, Object.fromEntries(members.filter((member) => !isOwn(member)))),
    );
    await checkReferences(resource, entity, id, services);
    if ((await entities.get(kind, id)) !== undefined)
      throw new InvalidRequest([{ path: 'id', message: `there is a ${noun} ${id} already` }]);
    const credential = value ?? (resource.credential === 'generated' ? newVirtualKey() : undefined);
    const put = await entities.put(kind, id, entity, {
      expected: 'absent',
      actor: adminActor(context),
      ...(credential === undefined ? {} : { credential: new Secret(credential) }),
    });
    return show(put, 201, resource.credential === 'generated' ? credential : undefined);
  };

  const change = async (context: Context, merge: boolean): Promise<Response> => {
    const old = await find(context);
    const expected = expectedOf(context, noun);
    check(old, expected);
    const body = await readBody(context);
    const merged = merge ? mergePatch(old.value as object, body) : body;
    const value = parse(schema, merged);
    await checkReferences(resource, value, old.id, services);
    return show(
      await entities.put(kind, old.id, value, { expected: expected ?? old.version, actor: adminActor(context) }),
    );
  };

  const rotate = async (context: Context): Promise<Response> => {
    const old = await find(context);
    const expected = expectedOf(context, noun);
    check(old, expected);
    const schemaOfValue = rotation[resource.credential as 'generated' | 'given'] as z.ZodType<Creation>;
    const { value = newVirtualKey() } = parse(schemaOfValue, await readBody(context));
    const credential = new Secret(value);
    const put = await entities.put(kind, old.id, old.value, {
      expected: expected ?? old.version,
      actor: adminActor(context),
      credential,
    });
    return show(put, 200, resource.credential === 'generated' ? value : undefined);
  };

  const remove = async (context: Context): Promise<Response> => {
    const old = await find(context);
    const expected = expectedOf(context, noun);
    check(old, expected);
    const names = await referrers(entities, kind, old.id);
    if (names.length > 0)
      throw new InvalidRequest([{ path: 'id', message: `still named by ${names.slice(0, 10).join(', ')}` }]);
    await entities.delete(kind, old.id, expected ?? old.version, adminActor(context));
    return new Response(null, { status: 204 });
  };

  const list = async (context: Context): Promise<Response> => {
    const { limit, offset, search } = parse(listQuery, context.req.query());
    const wanted = search?.toLowerCase();
    const all = (await entities.list(kind)).filter(
      ({ id, value }) =>
        wanted === undefined || `${id} ${'name' in value ? value.name : ''}`.toLowerCase().includes(wanted),
    );
    const data = all.slice(offset, offset + limit).map(viewEntity);
    return Response.json({ data, count: data.length, total: all.length, limit, offset });
  };

  const resetUsage = async (context: Context): Promise<Response> => {
    const entity = await find(context);
    await ledger.reset(accountsIn(entity, resource));
    await entities.record({ actor: adminActor(context), action: 'reset-usage', kind, id: entity.id });
    return Response.json({ data: await usageOf(entity) });
  };

  const route = (
    method: string,
    path: string,
    scope: 'read' | 'write',
    handler: (context: Context) => Promise<Response>,
  ): HandlerRoute => ({
    type: 'handler',
    method,
    path: base + path,
    guard: { admin: scope },
    handler: async (context) => {
      try {
        return await handler(context);
      } catch (error) {
        if (error instanceof InvalidRequest) return error.response;
        throw error;
      }
    },
  });
  return [
    route('GET', '', 'read', list),
    route('POST', '', 'write', create),
    route('GET', '/:id', 'read', async (context) => show(await find(context))),
    route('PUT', '/:id', 'write', (context) => change(context, false)),
    route('PATCH', '/:id', 'write', (context) => change(context, true)),
    route('DELETE', '/:id', 'write', remove),
    ...(resource.credential === 'none' ? [] : [route('POST', '/:id/rotate', 'write', rotate)]),
    ...(resource.accountId === undefined
      ? []
      : [
          route('GET', '/:id/usage', 'read', async (context) =>
            Response.json({ data: await usageOf(await find(context)) }),
          ),
          route('POST', '/:id/reset-usage', 'write', resetUsage),
        ]),
  ];
}

interface Creation {
  readonly id?: string;
  readonly value?: string;
}

/** Throws {@link InvalidRequest} for a name of something that does not exist, or a provider key's name that is taken. */
async function checkReferences(
  resource: Resource,
  value: object,
  id: string,
  { entities, host }: AdminServices,
): Promise<void> {
  const problems: { path: string; message: string }[] = [];
  const members = value as Record<string, unknown>;
  for (const { member, kind, id: named } of referencesOf(resource.kind, value)) {
    if ((await entities.get(kind, named)) === undefined)
      problems.push({ path: member, message: `there is no ${kind} ${named}` });
  }
  if (resource.kind === 'provider-key') {
    const { provider, name } = members as { provider: string; name: string };
    const configured = host.providers.get(provider);
    const others = (await entities.list('provider-key')).filter(
      (key) => key.id !== id && key.value.provider === provider,
    );
    if (configured === undefined) problems.push({ path: 'provider', message: `there is no provider ${provider}` });
    if (configured?.keys.some((key) => key.name === name) || others.some((key) => key.value.name === name)) {
      problems.push({ path: 'name', message: `${provider} has a key ${name} already` });
    }
  }
  if (problems.length > 0) throw new InvalidRequest(problems);
}

/** In a merge, null removes a member, at any depth (RFC 7396). */
function mergePatch(value: unknown, patch: object): object {
  const merged = new Map<string, unknown>(isObject(value) ? Object.entries(value) : []);
  for (const [name, member] of Object.entries(patch)) {
    if (member === null) merged.delete(name);
    else merged.set(name, isObject(member) ? mergePatch(merged.get(name), member) : member);
  }
  return Object.fromEntries(merged);
}
