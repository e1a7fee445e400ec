import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where AWS tools keep credentials: AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials. */
export function credentialsFile(): string {
  return process.env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(homedir(), '.aws', 'credentials');
}

/** The settings of a profile from the shared config and credentials files, the latter winning; empty without files. */
export function readProfile(profile: string): Readonly<Record<string, string | undefined>> {
  const config = process.env['AWS_CONFIG_FILE'] ?? join(homedir(), '.aws', 'config');
  const section = profile === 'default' ? 'default' : `profile ${profile}`;
  return { ...readSection(config, section), ...readSection(credentialsFile(), profile) };
}

function readSection(file: string, wanted: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return {};
  }
  const found: Record<string, string> = {};
  let inside = false;
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line);
    if (header !== null) inside = header[1]!.replace(/\s+/g, ' ') === wanted;
    else if (inside) {
      const [, name, value] = /^([\w.-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) found[name] = value;
    }
  }
  return found;
}
