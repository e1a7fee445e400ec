import type { Caller } from '../caller.ts';
import type { MaybePromise } from '../maybe.ts';
import { definePort } from '../ports.ts';
import type { GatewayRequest } from '../request.ts';

/** Who sends a request to an endpoint that is no exchange, such as one that shows callers their own records. */
export interface Callers {
  /** Throws GatewayError AUTH_* when the credential is missing, unknown, expired or inactive. */
  identify(request: GatewayRequest): MaybePromise<Caller>;
}

export const callersPort = definePort<Callers>('callers');
