import { z } from 'zod';
import {
  definePlugin,
  defineSlot,
  type Exchange,
  type GatewayRequest,
  type KeyedAttempt,
} from '../../plugin-sdk/index.ts';
import { placeOnAzure } from './place-on-azure.ts';
import { hasVersion, withVersion } from './query.ts';

/** Set where the version depends on the key: the query as the caller sent it. */
const openQuerySlot = defineSlot<string>('azure query without api-version');

/** Gives Azure passthrough calls the `api-version` that their path needs; one that the caller names always wins. */
export default definePlugin({
  name: 'plugins/azure-api-version',
  description: 'Puts a missing api-version into Azure passthrough calls.',
  options: z.strictObject({
    provider: z.string().min(1).default('azure').describe('Provider whose calls these are.'),
    deployments: z
      .string()
      .min(1)
      .default('2025-04-01-preview')
      .describe('For /openai/deployments/, where neither the caller nor the key (`apiVersion`) has one.'),
    responses: z
      .string()
      .optional()
      .describe('For /openai/v1/responses, such as `preview`. Absent: none, which means the newest.'),
  }),
  setup({ provider, deployments, responses }) {
    const concerns = (exchange: Exchange): boolean =>
      exchange.route.passthrough === true && exchange.targets?.[0]?.provider === provider;
    return {
      hooks: {
        transformRequest(request: GatewayRequest, exchange) {
          if (!concerns(exchange)) return;
          const placed = placeOnAzure(request, responses);
          if (placed.path.startsWith('/openai/deployments/') && !hasVersion(placed.query)) {
            exchange.set(openQuerySlot, placed.query);
          }
          if (placed.path === request.path && placed.query === request.query) return;
          return request.with(placed);
        },
        // A key may have a version of its own, and each attempt may have another key.
        execute(attempt: KeyedAttempt) {
          const { exchange, key } = attempt;
          const open = exchange.get(openQuerySlot);
          if (open === undefined) return;
          const query = withVersion(open, String(key.settings['apiVersion'] ?? deployments));
          exchange.setRequest(exchange.request.with({ query }));
        },
      },
    };
  },
});
