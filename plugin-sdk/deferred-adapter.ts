import type { OperationAdapter } from './provider.ts';

/** An adapter of which nothing is loaded before its first use: most gateways never translate most operations. */
export function deferredAdapter(load: () => OperationAdapter): OperationAdapter {
  return {
    encode: (body, call, lost) => load().encode(body, call, lost),
    decode: (replies, body, call) => load().decode(replies, body, call),
    recover: (problem, body, call) => load().recover?.(problem, body, call),
  };
}
