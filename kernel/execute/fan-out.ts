import { type Answer, GatewayError, type Reply, type Usage } from '../../plugin-sdk/index.ts';
import type { LiveAttempt } from '../attempt.ts';
import { sideBySide } from './side-by-side.ts';

const mostChoices = 16;

/**
 * Several answers from a provider that gives one per call (its capability `choices: false`): as many calls at once, their
 * choices numbered through and their usage added up. A stream of several answers is refused, since it would have to wait
 * for the slowest. When a call fails, its failure is the reply, at once.
 *
 * Throws GatewayError REQ_INVALID naming `n`.
 */
export async function fanOut(attempt: LiveAttempt, count: number, call: () => Promise<Reply>): Promise<Reply> {
  if (attempt.exchange.stream) throw refusal('This provider does not stream more than one choice.');
  if (count > mostChoices) throw refusal(`This provider gives at most ${mostChoices} choices.`);
  const replies = await sideBySide(attempt, Array.from({ length: count }, call), isFailure);
  if ('failed' in replies) return replies.failed;
  const answers = replies.flatMap(({ body }) => (body.type === 'answer' ? [body.answer] : []));
  const merged = merge(answers);
  if (merged.usage !== undefined) attempt.usage = merged.usage;
  return { ...replies[0]!, body: { type: 'answer', answer: merged } };
}

function isFailure(reply: Reply): reply is Reply {
  return reply.body.type !== 'answer';
}

function refusal(reason: string): GatewayError {
  return new GatewayError('REQ_INVALID', { reason }, { param: 'n' });
}

function merge(answers: readonly Answer[]): Answer {
  const choices = answers.flatMap((answer) => answer.choices).map((choice, index) => ({ ...choice, index }));
  const usages = answers.flatMap(({ usage }) => (usage === undefined ? [] : [usage]));
  return { ...answers[0]!, choices, ...(usages.length === 0 ? {} : { usage: sum(usages) }) };
}

function sum(usages: readonly Usage[]): Usage {
  const total: Record<string, unknown> = { ...usages[0] };
  for (const usage of usages.slice(1)) {
    for (const [name, value] of Object.entries(usage)) {
      if (typeof value === 'number') total[name] = Number(total[name] ?? 0) + value;
    }
  }
  return total as unknown as Usage;
}
