import type { Conversation, Sampling } from '../../conversation/index.ts';
import type { ClaudeCapabilities } from './capabilities.ts';

/** The sampling that the model takes: clamped to its range, left out where it is refused, each change reported. */
export function planSampling(
  { sampling = {} }: Conversation,
  can: Pick<ClaudeCapabilities, 'sampling' | 'samplingPair'>,
  thinking: boolean,
  lost: (path: string) => void,
): Pick<Sampling, 'temperature' | 'topP' | 'topK'> {
  const result: { temperature?: number; topP?: number; topK?: number } = {};
  const { temperature, topP, topK } = sampling;
  if (temperature !== undefined && (!can.sampling || thinking)) {
    if (temperature !== 1) lost('temperature');
  } else if (temperature !== undefined) {
    result.temperature = Math.min(Math.max(temperature, 0), 1);
    if (result.temperature !== temperature) lost('temperature');
  }
  if (topP !== undefined) {
    const clashes = result.temperature !== undefined && !can.samplingPair;
    if (can.sampling && !clashes && (!thinking || topP >= 0.95)) result.topP = topP;
    else if (topP !== 1) lost('top_p');
  }
  if (topK !== undefined) {
    if (can.sampling && !thinking) result.topK = topK;
    else lost('top_k');
  }
  return result;
}
