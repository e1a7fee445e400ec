import { z } from 'zod';
import type { JsonObject } from '../../plugin-sdk/index.ts';
import { auditQuery } from './audit.ts';
import { listQuery } from './resource-routes.ts';
import { creation, type Resource, resources, rotation } from './resources.ts';

/** The OpenAPI 3.1 document of the admin API, made from the schemas that check its requests. */
export function openApiDocument(version: string): JsonObject {
  const paths: Record<string, JsonObject> = {};
  const schemas: Record<string, JsonObject> = { Error: errorSchema, Account: accountSchema, AuditEntry: auditSchema };
  for (const resource of resources) {
    const name = schemaName(resource);
    const input = jsonSchema(resource.schema);
    schemas[`${name}Input`] = input;
    schemas[`${name}Create`] = merged(input, jsonSchema(creation[resource.credential]));
    schemas[name] = viewOf(input, resource);
    Object.assign(paths, pathsOf(resource, name));
  }
  paths['/api/audit'] = {
    get: operation('listAudit', 'Who changed what, newest first.', {
      query: auditQuery,
      responses: { 200: list('AuditEntry') },
    }),
  };
  paths['/api/quota'] = {
    get: {
      ...operation('getQuota', 'What is left to the caller, asked with its own virtual key.', {
        responses: { 200: { type: 'object' } },
      }),
      security: [{ virtualKey: [] }],
    },
  };
  return {
    openapi: '3.1.0',
    info: { title: 'Bifrost Kernel admin API', version },
    security: [{ adminToken: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        adminToken: { type: 'http', scheme: 'bearer' },
        virtualKey: { type: 'apiKey', in: 'header', name: 'x-bf-vk' },
      },
    },
  };
}

function pathsOf(resource: Resource, name: string): Record<string, JsonObject> {
  const { path, noun, credential, accountId } = resource;
  const base = `/api/${path}`;
  const one = reference(name);
  const isGenerated = credential === 'generated';
  const paths: Record<string, JsonObject> = {
    [base]: {
      get: operation(`list${name}s`, `All ${noun}s, by id.`, { query: listQuery, responses: { 200: list(name) } }),
      post: operation(
        `create${name}`,
        isGenerated ? `Makes a ${noun}. Its value is shown this once.` : `Makes a ${noun}.`,
        {
          body: reference(`${name}Create`),
          responses: { 201: isGenerated ? { ...one, description: 'With `value`.' } : one },
        },
      ),
    },
    [`${base}/{id}`]: {
      parameters: [idParameter],
      get: operation(`get${name}`, `One ${noun}.`, { responses: { 200: one } }),
      put: operation(`replace${name}`, `Replaces a ${noun}.`, {
        body: reference(`${name}Input`),
        match: true,
        responses: { 200: one },
      }),
      patch: operation(`update${name}`, `Changes members of a ${noun}; null removes one.`, {
        body: { type: 'object' },
        match: true,
        responses: { 200: one },
      }),
      delete: operation(`delete${name}`, `Deletes a ${noun}.`, { match: true, responses: { 204: undefined } }),
    },
  };
  if (credential !== 'none') {
    const summary = isGenerated ? `Gives a ${noun} a new value, shown this once.` : `Replaces the value of a ${noun}.`;
    paths[`${base}/{id}/rotate`] = {
      parameters: [idParameter],
      post: operation(`rotate${name}`, summary, {
        body: jsonSchema(rotation[credential]),
        match: true,
        responses: { 200: one },
      }),
    };
  }
  if (accountId !== undefined) {
    paths[`${base}/{id}/usage`] = {
      parameters: [idParameter],
      get: operation(`get${name}Usage`, `How far the limits of a ${noun} are used.`, { responses: { 200: accounts } }),
    };
    paths[`${base}/{id}/reset-usage`] = {
      parameters: [idParameter],
      post: operation(`reset${name}Usage`, `Forgets what a ${noun} has used.`, { responses: { 200: accounts } }),
    };
  }
  return paths;
}

interface OperationFacts {
  readonly query?: z.ZodObject;
  readonly body?: JsonObject;
  readonly match?: boolean;
  /** Schema by status; `undefined` for no content. */
  readonly responses: Readonly<Record<number, JsonObject | undefined>>;
}

function operation(
  operationId: string,
  summary: string,
  { query, body, match, responses }: OperationFacts,
): JsonObject {
  const parameters: JsonObject[] = match === true ? [ifMatch] : [];
  if (query !== undefined) {
    const { properties } = jsonSchema(query) as { properties: Record<string, JsonObject> };
    for (const [name, schema] of Object.entries(properties))
      parameters.push({ name, in: 'query', required: false, schema });
  }
  const answers: Record<string, JsonObject> = {
    default: { description: 'What went wrong.', content: content(reference('Error')) },
  };
  for (const [status, schema] of Object.entries(responses)) {
    answers[status] = { description: 'Done.', ...(schema === undefined ? {} : { content: content(schema) }) };
  }
  return {
    operationId,
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { content: content(body) } }),
    responses: answers,
  };
}

function jsonSchema(schema: z.ZodType): JsonObject {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonObject;
  return rest;
}

function merged(one: JsonObject, other: JsonObject): JsonObject {
  return {
    ...one,
    properties: { ...(other['properties'] as JsonObject), ...(one['properties'] as JsonObject) },
    required: [...((other['required'] as string[]) ?? []), ...((one['required'] as string[]) ?? [])],
  };
}

/** What comes back: everything that may go in, and what the gateway adds. */
function viewOf(input: JsonObject, { credential }: Resource): JsonObject {
  const text = { type: 'string' };
  const time = { type: 'string', format: 'date-time' };
  return {
    type: 'object',
    properties: {
      id: text,
      ...(input['properties'] as JsonObject),
      ...(credential === 'none' ? {} : { hint: { ...text, description: 'Start and end of the credential.' } }),
      ...(credential === 'generated'
        ? { value: { ...text, description: 'Only in the answer to create and rotate.' } }
        : {}),
      version: { type: 'integer', description: 'The ETag.' },
      origin: { type: 'string', enum: ['config', 'store'] },
      createdAt: time,
      updatedAt: time,
    },
    required: ['id', ...((input['required'] as string[]) ?? []), 'version', 'origin', 'createdAt', 'updatedAt'],
  };
}

function schemaName({ noun }: Resource): string {
  return noun.replace(/(?:^|\s)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function reference(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` };
}

function content(schema: JsonObject): JsonObject {
  return { 'application/json': { schema } };
}

function list(name: string): JsonObject {
  const count = { type: 'integer' };
  return {
    type: 'object',
    properties: { data: { type: 'array', items: reference(name) }, count, total: count, limit: count, offset: count },
    required: ['data', 'count'],
  };
}

const idParameter: JsonObject = { name: 'id', in: 'path', required: true, schema: { type: 'string' } };
const ifMatch: JsonObject = {
  name: 'If-Match',
  in: 'header',
  required: false,
  description: 'The ETag of what you read; 412 when it has changed since.',
  schema: { type: 'string' },
};
const accounts: JsonObject = {
  type: 'object',
  properties: { data: { type: 'array', items: reference('Account') } },
  required: ['data'],
};

const errorSchema: JsonObject = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'] },
        code: { type: ['string', 'null'] },
        details: {
          type: 'array',
          items: {
            type: 'object',
            properties: { path: { type: 'string' }, message: { type: 'string' } },
            required: ['path', 'message'],
          },
        },
      },
      required: ['message', 'type', 'param', 'code'],
    },
  },
  required: ['error'],
};

const accountSchema: JsonObject = {
  type: 'object',
  properties: {
    account: { type: 'string' },
    unit: { type: 'string', enum: ['usd', 'requests', 'tokens', 'concurrency'] },
    period: { type: ['string', 'null'] },
    calendar: { type: 'boolean' },
    limit: { type: 'number' },
    used: { type: 'number', description: 'In the window, open reservations included.' },
    reserved: { type: 'number' },
    remaining: { type: 'number' },
    resetsAt: { type: ['string', 'null'], format: 'date-time' },
  },
  required: ['account', 'unit', 'period', 'calendar', 'limit', 'used', 'reserved', 'remaining', 'resetsAt'],
};

const auditSchema: JsonObject = {
  type: 'object',
  properties: {
    sequence: { type: 'integer' },
    at: { type: 'string', format: 'date-time' },
    actor: { type: 'object' },
    action: { type: 'string', enum: ['create', 'update', 'rotate', 'delete', 'reset-usage', 'clear', 'cancel'] },
    kind: { type: 'string' },
    id: { type: 'string' },
    before: {},
    after: {},
  },
  required: ['sequence', 'at', 'actor', 'action', 'kind', 'id'],
};
