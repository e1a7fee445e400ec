import { GatewayError, type Provider } from '../plugin-sdk/index.ts';
import { LiveAttempt } from './attempt.ts';
import { discard } from './discard.ts';
import type { Runtime } from './execute/context.ts';
import { type Failure, runAttempt, type Success } from './run-attempt.ts';

const outrun = new GatewayError('UP_OUTRUN', {});

/**
 * Runs an attempt and, when it has no content after `policy.hedgeAfterMs`, a second one beside it. The first content
 * wins; the other is stopped at once and recorded as abandoned. A plugin keeps a hedge from running by throwing in
 * `selectKey`. `policy.hedgeAfterMs` is read when it is due, so that a plugin may set it for the target at hand.
 */
export function runHedged(attempt: LiveAttempt, provider: Provider, runtime: Runtime): Promise<Success | Failure> {
  const { exchange } = attempt;
  const first = runAttempt(attempt, provider, runtime);
  const { hedgeAfterMs } = exchange.policy;
  if (hedgeAfterMs === undefined || exchange.request.body.kind === 'stream') return first;
  return new Promise((resolve) => {
    let hedge: LiveAttempt | undefined;
    let running = 1;
    let decided = false;
    let failure: Failure | undefined;
    const decide = (): void => {
      decided = true;
      clearTimeout(timer);
    };
    const finish = (result: Success | Failure, from: LiveAttempt): void => {
      running -= 1;
      if ('attempt' in result) {
        decide();
        const other = from === attempt ? hedge : attempt;
        if (from.ended) discard(result.reply, outrun);
        else {
          if (other !== undefined) abandon(other);
          resolve(result);
        }
        return;
      }
      // The first attempt's failure says more than that of the one beside it.
      if (from === attempt || failure === undefined) failure = result;
      if (running > 0) return;
      decide();
      resolve(failure);
    };
    const start = (): void => {
      if (decided || exchange.stopped !== undefined || attempt.chosen === undefined) return;
      running += 1;
      hedge = new LiveAttempt(exchange, attempt.target, attempt.number + 1, attempt.triedKeys, 'hedge');
      const rival = hedge;
      void runAttempt(rival, provider, runtime).then((result) => finish(result, rival));
    };
    // Behind what has arrived already: when this process was busy, its timers come due before its sockets are read.
    const timer = setTimeout(() => setImmediate(start), hedgeAfterMs);
    void first.then((result) => finish(result, attempt));
  });
}

/** Takes an attempt out of the race. A call that has not begun yet finds the attempt ended when it wants to. */
function abandon(attempt: LiveAttempt): void {
  attempt.end('abandoned', undefined, undefined);
  attempt.cancel?.(outrun);
}
