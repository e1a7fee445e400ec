/** Errors that broke a stream inside an event of which the client has a part already. */
const insideEvent = new WeakSet<Error>();

/** Notes that nothing may be written behind what this error broke off. */
export function markInsideEvent(error: Error): void {
  insideEvent.add(error);
}

/** True when an error event would land inside another event: the only honest end is a cut connection. */
export function isInsideEvent(error: Error): boolean {
  return insideEvent.has(error);
}
