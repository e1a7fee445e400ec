import { type EventReading, GatewayError } from '../plugin-sdk/index.ts';

/** An error event of a provider, in its own words. */
export function streamProblem({ problem }: EventReading): GatewayError {
  const message = problem?.message ?? 'The provider reported an error in its stream.';
  return new GatewayError('UP_STREAM_ERROR', { message }, problem === undefined ? {} : problemExtras(problem));
}

/** What an error keeps of a provider's own words. */
export function problemExtras(problem: NonNullable<EventReading['problem']>) {
  return {
    status: problem.status,
    ...(problem.type === undefined ? {} : { type: problem.type }),
    ...(problem.code === undefined ? {} : { openaiCode: problem.code }),
    ...(problem.param === undefined ? {} : { param: problem.param }),
    ...(problem.retryAfterMs === undefined ? {} : { retryAfterMs: problem.retryAfterMs }),
  };
}
