const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a directory',
  EACCES: 'no permission to read it',
  EPERM: 'no permission to read it',
  ELOOP: 'its symbolic links go round in a circle',
};

/** Why a file could not be read, as the end of a sentence; never with its content. */
export function readFailure(error: unknown): string {
  const { code } = error as { readonly code?: string };
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'it is not UTF-8 text';
  return reasons[code ?? ''] ?? code ?? 'the reason is unknown';
}
