import { z } from 'zod';
import { definePlugin, type PluginDefinition } from '../../plugin-sdk/index.ts';
import { mountPath } from '../mount-path.ts';
import { type PassthroughCalls, passthroughInstance } from './passthrough-instance.ts';

/** One provider's passthrough mount, as data. */
export interface Passthrough extends PassthroughCalls {
  /** Its id, such as `routes/openai-passthrough`. */
  readonly name: string;
  readonly description: string;
  /** Where it is mounted unless the config says otherwise. */
  readonly prefix: string;
}

/** Defines a passthrough route: any method, path and body, to one provider and back, as they are. */
export function definePassthrough(passthrough: Passthrough): PluginDefinition {
  const { name, description } = passthrough;
  return definePlugin({
    name,
    description,
    options: z.strictObject({
      prefix: mountPath(passthrough.prefix).describe('Where it is mounted; what follows is the path at the provider.'),
      provider: z.string().min(1).default(passthrough.provider).describe('Provider that serves it.'),
      allow: z
        .array(
          z
            .string()
            .regex(/^(\*|[A-Za-z]+)\s+[/*]\S*$/, 'expected a method and a path, such as POST /v1/chat/completions'),
        )
        .optional()
        .describe('The only calls that may pass, each `METHOD /path` with `*` for anything. Absent: all.'),
      rewriteUrls: z
        .boolean()
        .default(true)
        .describe(
          'URLs of the provider that a reply sends the client to (Location, upload and result URLs) lead back here.',
        ),
    }),
    setup: (options) => passthroughInstance(passthrough, { plugin: name, ...options }),
  });
}
