import type { Answer, AnswerChoice, Finish } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { AnswerContext } from '../dialect.ts';
import { carried } from '../openai/carry.ts';
import { serviceTierOf } from '../openai/shared-fields.ts';
import { sameOrNew, writeResponsesUsage } from '../openai/usage.ts';
import { echoRequest } from './echo.ts';
import { answerPart, encodeItems, type ItemContext } from './encode-item.ts';
import { ItemIds } from './item-ids.ts';

const dialect = 'openai.responses';

/** Writes a response object. It repeats the request's settings, because strict clients expect them. */
export function encodeAnswer(answer: Answer, context: AnswerContext): JsonObject {
  const carry = carried(answer, dialect);
  const [choice] = answer.choices;
  const ids = new ItemIds(context.requestId);
  const output = choice === undefined ? [] : encodeOutput(choice, carry !== undefined, ids);
  const { usage } = answer;
  const usageField = usage === undefined ? {} : { usage: sameOrNew(carry?.['$usage'], usage, writeResponsesUsage) };
  if (carry !== undefined) {
    return {
      ...named('id', answer.id),
      ...(carry['$object'] === 'absent' ? {} : { object: 'response' }),
      ...named('created_at', answer.created),
      ...(carry['$status'] === 'absent' ? {} : { status: ownStatus(carry['$status'], choice?.finish) }),
      ...named('model', answer.model),
      output,
      ...usageField,
      ...named('service_tier', answer.serviceTier),
      ...(isObject(carry['$rest']) ? carry['$rest'] : {}),
    };
  }
  const finish = choice?.finish ?? { reason: answer.choices.length === 0 ? 'content-filter' : 'stop' };
  return {
    id: ids.response,
    object: 'response',
    created_at: answer.created ?? context.now,
    ...endFields(finish, context.now),
    ...echoRequest(context.conversation),
    model: answer.model ?? context.model,
    output,
    usage: usage === undefined ? null : writeResponsesUsage(usage),
    service_tier: serviceTierOf(answer.serviceTier) ?? 'default',
  };
}

/** Status, error and incomplete_details of an answer that ended so. */
export function endFields(finish: Finish, now: number): JsonObject {
  const incomplete =
    finish.reason === 'length'
      ? 'max_output_tokens'
      : finish.reason === 'content-filter'
        ? 'content_filter'
        : undefined;
  const failed = finish.reason === 'error';
  return {
    status: failed ? 'failed' : incomplete === undefined ? 'completed' : 'incomplete',
    completed_at: failed || incomplete !== undefined ? null : now,
    error: failed ? { code: 'server_error', message: 'The provider ended the answer with an error.' } : null,
    incomplete_details: incomplete === undefined ? null : { reason: incomplete },
  };
}

/** The status as read, unless the answer has since come to another end. */
function ownStatus(read: JsonValue | undefined, finish: Finish | undefined): JsonValue {
  if (finish === undefined || finish.reason === 'error') return read ?? null;
  const { status } = endFields(finish, 0);
  return status ?? null;
}

function encodeOutput(choice: AnswerChoice, own: boolean, ids: ItemIds): JsonObject[] {
  const context: ItemContext = { own, ids, customCalls: new Set(), cache: true, accepts: () => true, lost: () => {} };
  // An empty message says nothing, and is broken JSON to a client that waits for a schema.
  const blocks = own ? choice.blocks : choice.blocks.filter((block) => block.type !== 'text' || block.text !== '');
  const placed = blocks.map((block) => ({ block, path: '' }));
  const items = encodeItems(placed, 'assistant', context);
  const logprobs = isObject(choice.logprobs) ? choice.logprobs['content'] : undefined;
  return own || !Array.isArray(logprobs) ? items : withLogprobs(items, logprobs);
}

/** Token probabilities stand with the first text here. */
function withLogprobs(items: readonly JsonObject[], logprobs: JsonValue[]): JsonObject[] {
  const at = items.findIndex(({ type }) => type === 'message');
  return items.map((item, i) => {
    if (i !== at || !Array.isArray(item['content'])) return item;
    const [first, ...others] = item['content'];
    return {
      ...item,
      content: [isObject(first) ? { ...(answerPart(first) as JsonObject), logprobs } : first!, ...others],
    };
  });
}

function named(name: string, value: JsonValue | undefined): JsonObject {
  return value === undefined ? {} : { [name]: value };
}
