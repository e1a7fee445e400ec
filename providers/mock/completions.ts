import type { JsonObject } from '../../plugin-sdk/index.ts';
import { cut } from './chat.ts';
import { countTokens } from './count-tokens.ts';
import { type Form, isTrue } from './form.ts';

export interface CompletionContext {
  readonly id: string;
  readonly model: string;
  readonly created: number;
}

/** The prompt, given back. */
export function answerCompletions(form: Form, context: CompletionContext): JsonObject {
  const { shown, reason, prompt } = textOf(form);
  return {
    ...frame(context),
    choices: [{ index: 0, text: shown, logprobs: null, finish_reason: reason }],
    usage: usageOf(prompt, shown),
  };
}

export function streamCompletions(
  form: Form,
  context: CompletionContext,
  pieces: number | undefined,
): (JsonObject | '[DONE]')[] {
  const { shown, reason, prompt } = textOf(form);
  const base = frame(context);
  const chunk = (text: string, finish: string | null): JsonObject => ({
    ...base,
    choices: [{ index: 0, text, logprobs: null, finish_reason: finish }],
  });
  const options = form.fields.get('stream_options') as JsonObject | undefined;
  const usage = options?.['include_usage'] === true ? [{ ...base, choices: [], usage: usageOf(prompt, shown) }] : [];
  return [...cut(shown, pieces).map((piece) => chunk(piece, null)), chunk('', reason), ...usage, '[DONE]'];
}

function textOf(form: Form): { shown: string; reason: string; prompt: string } {
  const given = form.fields.get('prompt');
  const prompt = typeof given === 'string' ? given : Array.isArray(given) ? String(given[0] ?? '') : '';
  const text = `${isTrue(form, 'echo') ? prompt : ''}You wrote: ${prompt}`;
  const limit = form.fields.get('max_tokens');
  if (typeof limit !== 'number' || countTokens(text) <= limit) return { shown: text, reason: 'stop', prompt };
  return { shown: text.slice(0, limit * 4), reason: 'length', prompt };
}

function frame({ id, model, created }: CompletionContext): JsonObject {
  return { id: `cmpl-${id}`, object: 'text_completion', created, model };
}

function usageOf(prompt: string, text: string): JsonObject {
  const [input, output] = [countTokens(prompt), countTokens(text)];
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}
