import { GatewayError } from '../../plugin-sdk/index.ts';
import type { LiveAttempt } from '../attempt.ts';

const sibling = new GatewayError('UP_OUTRUN', {});

/** The results of an attempt's calls, all at once. The first that fails, by a throw or by its result, ends the others. */
export async function sideBySide<T, F>(
  attempt: LiveAttempt,
  calls: readonly Promise<T | F>[],
  isFailure: (result: T | F) => result is F,
): Promise<readonly T[] | { readonly failed: F }> {
  let failed: { readonly failed: F } | undefined;
  const checked = calls.map(async (call) => {
    const result = await call;
    if (!isFailure(result)) return result;
    failed ??= { failed: result };
    throw sibling;
  });
  try {
    return await Promise.all(checked);
  } catch (error) {
    attempt.cancel?.(sibling);
    if (error === sibling && failed !== undefined) return failed;
    throw error;
  }
}
