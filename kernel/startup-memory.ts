import { collectAll } from './buffer-garbage.ts';

const afterMs = 2_000;

/**
 * Gives back what starting has left behind, once, if nothing is open by then. Never later: this kind of collection throws
 * compiled code away too, which a gateway that has served would miss. Gives what stops it.
 */
export function returnStartupMemory(openExchanges: () => number): () => void {
  const timer = setTimeout(() => {
    if (openExchanges() === 0) collectAll();
  }, afterMs).unref();
  return () => clearTimeout(timer);
}
