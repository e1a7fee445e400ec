/** Image types that Claude and Bedrock take. */
export const imageTypes: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);

/**
 * The true type of base64 media: the file's first bytes win over what was declared, since providers reject a wrong
 * declaration. `image/jpg` becomes `image/jpeg`.
 */
export function mediaTypeOf(data: string, declared: string): string {
  const name = declared.split(';', 1)[0]!.trim().toLowerCase();
  return sniff(data) ?? (name === 'image/jpg' ? 'image/jpeg' : name);
}

function sniff(base64: string): string | undefined {
  const head = Buffer.from(base64.slice(0, 24), 'base64').toString('latin1');
  if (head.startsWith('\x89PNG\r\n')) return 'image/png';
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (head.startsWith('GIF8')) return 'image/gif';
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') return 'image/webp';
  if (head.startsWith('%PDF-')) return 'application/pdf';
  return undefined;
}
