import { Secret } from '../plugin-sdk/index.ts';
import type { Config } from './config/config.ts';

const secretName =
  /^(value|authorization|cookie|passphrase|connectionString)$|(key|token|secret|password|credential)s?$/i;
const hidden = '[secret]';

/** The running config for people: whatever is or may be a credential shows as `[secret]`. */
export function describeConfig(config: Config): unknown {
  return show(config, false);
}

/** `secret`: its name says that this is a credential, or a list or map of some. A list of objects says more of itself. */
function show(value: unknown, secret: boolean): unknown {
  if (value instanceof Secret) return hidden;
  if (typeof value === 'string') return secret ? hidden : value.replace(/(?<=^\w+:\/\/)[^/@\s]+@/, `${hidden}@`);
  if (Array.isArray(value)) return value.map((member) => show(member, secret && typeof member === 'string'));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, show(member, secret || secretName.test(name))]),
  );
}
