import { z } from 'zod';
import { definePlugin, type Exchange } from '../../plugin-sdk/index.ts';
import { isVertexCall } from './is-vertex-call.ts';

/** Sends passthrough calls of the Google Gen AI SDK to Vertex AI where the client is set up for that. */
export default definePlugin({
  name: 'plugins/vertex-detection',
  description: 'On the GenAI passthrough, switches from Gemini to Vertex AI when a call is written for it.',
  options: z.strictObject({
    gemini: z.string().min(1).default('gemini').describe('Provider of the calls to look at.'),
    vertex: z.string().min(1).default('vertex').describe('Provider that gets those written for Vertex AI.'),
  }),
  setup: ({ gemini, vertex }) => ({
    hooks: {
      preRoute(exchange: Exchange) {
        const { route, request, model = '' } = exchange;
        if (route.passthrough !== true || exchange.defaultProvider !== gemini) return;
        // Whoever names a provider knows what the call is written for.
        if (request.headers.has('x-model-provider') || !isVertexCall(request)) return;
        exchange.note('plugins/vertex-detection', 'the call is written for Vertex AI');
        exchange.setTargets([
          { provider: vertex, model: model.slice(model.lastIndexOf('/models/') + 1).replace(/^models\//, '') },
        ]);
      },
    },
  }),
});
