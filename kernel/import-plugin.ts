import { registerHooks } from 'node:module';

/** What a plugin's file may import without having it installed: the gateway lends its own. */
const lent = /^(bifrost-kernel|zod)(\/|$)/;
let isLending = false;

/** Imports a plugin's module by URL. What is installed beside the file is preferred to what the gateway lends. */
export function importPlugin(url: string): Promise<unknown> {
  if (!isLending) {
    isLending = true;
    registerHooks({
      resolve(specifier, context, next) {
        try {
          return next(specifier, context);
        } catch (error) {
          if (!lent.test(specifier) || (error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
          return next(specifier, { ...context, parentURL: import.meta.url });
        }
      },
    });
  }
  return import(url);
}

/** Why a plugin's module could not be imported, as a message for people. */
export function importFailure({ message }: Error): string {
  const isModuleAsScript = /Cannot use import statement outside a module|Unexpected token 'export'/.test(message);
  const advice = isModuleAsScript ? '; put "type": "module" into the package.json beside it' : '';
  return `cannot be loaded: ${message}${advice}`;
}
