import type { Block } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';

/**
 * Refuses content of another format whose absence would change the answer: sound and film that the target does not
 * take, and files that lie at another provider. `isTaken` tells whether there is a way to write the block.
 *
 * Throws REQ_INVALID naming `path`.
 */
export function refuseUnsendable(block: Block, path: string, isTaken: () => boolean): void {
  if (isForeignFile(block)) throw unsendable(path, 'it is a file of another provider; send its content instead');
  if ((block.type === 'audio' || block.type === 'video') && !isTaken())
    throw unsendable(path, `this provider does not take such ${block.type}`);
}

/** OpenAI's own ids begin so; Anthropic's have an underscore, Google's are URLs. */
function isForeignFile(block: Block): boolean {
  return 'source' in block && block.source.kind === 'file' && !block.source.id.startsWith('file-');
}

function unsendable(path: string, reason: string): GatewayError {
  return new GatewayError(
    'REQ_INVALID',
    { reason: `${path} cannot be sent: ${reason}.` },
    { param: path, retry: 'next-target' },
  );
}
