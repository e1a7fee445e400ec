import { Secret } from '../plugin-sdk/index.ts';
import type { Config } from './config/config.ts';

const secretNames = /^(value|key|secret|token|password|clientSecret|secretAccessKey|sessionToken|credentials|authorization)$/i;

/** The running config for people: whatever is or may be a credential shows as `[secret]`. */
export function describeConfig(config: Config): unknown {
  return hide(config);
}

function hide(value: unknown): unknown {
  if (value instanceof Secret) return '[secret]';
  if (Array.isArray(value)) return value.map(hide);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, secretNames.test(name) && typeof member === 'string' ? '[secret]' : hide(member)]),
  );
}
