import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Key, ProviderKey } from '../../plugin-sdk/index.ts';

/** One key without a value, when this machine has application-default credentials and names a project. */
export function keysOfMachine(): readonly ProviderKey[] {
  const { GOOGLE_CLOUD_PROJECT: project, GOOGLE_APPLICATION_CREDENTIALS: file, K_SERVICE: service } = process.env;
  const wellKnown = join(homedir(), '.config', 'gcloud', 'application_default_credentials.json');
  if (!project || !(file || service || existsSync(wellKnown))) return [];
  const common = { value: undefined, weight: 1, models: ['*'], blockedModels: [], aliases: {}, enabled: true };
  return [{ name: 'application-default', ...common, settings: {} }];
}

/** The location that serves a key. */
export function regionOf({ settings }: Pick<Key, 'settings'>): string {
  return String(settings['region'] ?? process.env['GOOGLE_CLOUD_LOCATION'] ?? 'global');
}
