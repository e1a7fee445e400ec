import type { EventReading } from '../../plugin-sdk/index.ts';

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
