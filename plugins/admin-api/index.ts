import { z } from 'zod';
import { definePlugin, type HandlerRoute } from '../../plugin-sdk/index.ts';
import { entitiesPort } from '../../plugin-sdk/ports/entities.ts';
import { ledgerPort } from '../../plugin-sdk/ports/ledger.ts';
import { auditRoute } from './audit.ts';
import { openApiDocument } from './openapi.ts';
import { resourceRoutes } from './resource-routes.ts';
import { resources } from './resources.ts';

const apiVersion = '1.0.0';

/** Virtual keys, teams, customers, limits and provider keys over HTTP, behind an admin token. */
export default definePlugin({
  name: 'plugins/admin-api',
  description: 'Admin API under /api for virtual keys, teams, customers, limits and provider keys.',
  options: z.strictObject({}),
  requires: [entitiesPort.capability, ledgerPort.capability],
  setup(_options, host) {
    const entities = host.port(entitiesPort);
    const services = { host, entities, ledger: host.port(ledgerPort) };
    let document: string | undefined;
    const openApiRoute: HandlerRoute = {
      type: 'handler',
      method: 'GET',
      path: '/api/openapi.json',
      guard: { admin: 'read' },
      handler(context) {
        document ??= JSON.stringify(openApiDocument(apiVersion));
        return context.body(document, 200, { 'content-type': 'application/json' });
      },
    };
    return {
      routes: [
        ...resources.flatMap((resource) => resourceRoutes(resource, services)),
        auditRoute(entities),
        openApiRoute,
      ],
    };
  },
});
