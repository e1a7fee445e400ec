/** The hooks of an exchange, in the order in which they run. Their shapes are {@link HookSignatures}. */
export const hookNames = [
  'preRoute',
  'transformRequest',
  'selectKey',
  'execute',
  'transformResponse',
  'postLog',
] as const;
export type HookName = (typeof hookNames)[number];
