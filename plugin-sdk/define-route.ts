import { z } from 'zod';
import { definePlugin, type OptionsSchema, type PluginDefinition } from './define-plugin.ts';
import type { Host } from './host.ts';
import type { Route } from './route.ts';

export interface RouteDefinition<S extends OptionsSchema> {
  readonly name: string;
  readonly description?: string;
  readonly options?: S;
  readonly requires?: readonly string[];
  routes(options: S extends z.ZodType ? z.output<S> : unknown, host: Host): readonly Route[];
}

/** A plugin whose only work is to give endpoints. */
export function defineRoute<const S extends OptionsSchema>(definition: RouteDefinition<S>): PluginDefinition {
  const { routes, options, ...rest } = definition;
  return definePlugin({
    ...rest,
    options: (options ?? z.strictObject({})) as OptionsSchema,
    setup: (values, host) => ({ routes: routes(values as never, host) }),
  });
}
