import type { GatewayError } from '../errors.ts';

/** The ways in which providers say that the prompt does not fit. Clients shorten it when they see their own format's. */
const tooLong =
  /prompt is too long|input is too long|too many (input )?tokens|exceeds the (maximum|context)|context (length|window)|maximum (number of tokens|context)/i;

/** Whether a provider refused a request because its prompt does not fit. */
export function saysTooLong({ status, message }: Pick<GatewayError, 'status' | 'message'>): boolean {
  return (status === 400 || status === 413) && tooLong.test(message);
}

/** Bedrock's "failed dependency" is the provider's own failure, which no other client knows by that number. */
export function shownStatus(status: number): number {
  return status === 424 ? 502 : status;
}
