import { readCatalogue } from '../catalogue.ts';
import { configSchema } from '../config/json-schema.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { findDefinition } from '../find-definition.ts';

/** Prints a JSON Schema of the config: every shipped plugin, and those that this config names besides. */
export async function printSchema(loaded: LoadedConfig): Promise<number> {
  const catalogue = await readCatalogue();
  const described = new Map<string, { id: string; options: unknown; description?: string }>();
  const add = (id: string, { options, description }: { options: unknown; description?: string }): void => {
    described.set(id, { id, options, ...(description === undefined ? {} : { description }) });
  };
  for (const { id, load } of catalogue) add(id, (await load()).default);
  for (const [id, entry] of Object.entries(loaded.config.plugins)) {
    if (entry !== false && !described.has(id))
      add(id, await findDefinition(entry.use ?? id, loaded.baseDir, catalogue));
  }
  process.stdout.write(
    `${JSON.stringify(configSchema([...described.values()] as Parameters<typeof configSchema>[0]), null, 2)}\n`,
  );
  return 0;
}
