import type { Reply } from '../plugin-sdk/index.ts';

/** Stops the source of a reply that will not be delivered. */
export function discard({ body }: Reply, reason: Error): void {
  if (body.type === 'flow') body.flow.abort(reason);
  else if (body.type === 'events') body.events.abort(reason);
}
