import { extname } from 'node:path';
import type { CatalogueEntry } from '../plugin-sdk/index.ts';

/** The three lists of what ships. The kernel knows their folders and nothing of what is in them. */
export async function readCatalogue(): Promise<readonly CatalogueEntry[]> {
  const extension = extname(import.meta.filename);
  const folders = ['routes', 'providers', 'plugins'];
  const lists = await Promise.all(
    folders.map(async (folder) => {
      const module = (await import(new URL(`../${folder}/index${extension}`, import.meta.url).href)) as {
        default: readonly CatalogueEntry[];
      };
      return module.default;
    }),
  );
  return lists.flat();
}
