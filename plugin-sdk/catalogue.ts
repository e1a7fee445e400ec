import type { PluginDefinition } from './define-plugin.ts';

/** One shipped plugin: found by id, loaded when a config names it or another plugin needs what it provides. */
export interface CatalogueEntry {
  readonly id: string;
  /** Capabilities by which it is found before it is loaded. */
  readonly provides?: readonly string[];
  load(): Promise<{ readonly default: PluginDefinition }>;
}
