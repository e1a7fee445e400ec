import { z } from 'zod';

/** The option that says where a route is mounted. */
export function mountPath(usual: string): z.ZodDefault<z.ZodString> {
  return z
    .string()
    .regex(/^(\/[\w.~-]+)+$/, `expected a path such as ${usual}`)
    .default(usual);
}
