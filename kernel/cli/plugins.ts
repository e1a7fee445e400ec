import { readCatalogue } from '../catalogue.ts';

/** Lists every shipped plugin with its one sentence. */
export async function listPlugins(): Promise<number> {
  const entries = await readCatalogue();
  const width = Math.max(...entries.map(({ id }) => id.length));
  for (const { id, load } of entries) {
    const { default: definition } = await load();
    process.stdout.write(`${id.padEnd(width)}  ${definition.description ?? ''}\n`);
  }
  return 0;
}
