import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Usage } from '../../plugin-sdk/conversation/index.ts';
import { BytesBody, GatewayRequest, RequestHeaders } from '../../plugin-sdk/index.ts';
import { estimate } from '../../plugins/governance/estimate.ts';
import { governanceOptions } from '../../plugins/governance/options.ts';
import { bookVersion, shippedBook } from '../../plugins/pricing/book/index.ts';
import { PriceBook } from '../../plugins/pricing/book.ts';
import { createPrices } from '../../plugins/pricing/create-prices.ts';
import { Overrides } from '../../plugins/pricing/overrides.ts';
import { type RecordedChat, recordedChats } from '../dialects/recorded-chats.ts';
import { eventsOf } from '../dialects/stream-bytes.ts';
import { recordingsMissing } from '../recordings.ts';

const { estimates } = governanceOptions.parse({});
const prices = createPrices({
  book: new PriceBook(shippedBook, bookVersion),
  overrides: new Overrides([]),
  unknown: 'refuse',
  bookProvider: (instance) => instance,
});

/** Served by another model than the one asked for, which brings a prompt of its own. */
const exceptions = [/openrouter.*native_options/];

function usageOf({ answer, stream, dialect }: RecordedChat): Usage | undefined {
  if (answer !== undefined) return dialect.meter.json(Buffer.from(JSON.stringify(answer))).usage;
  if (stream === undefined) return undefined;
  const read = dialect.meter.stream();
  const usages = eventsOf(dialect.framing, stream).flatMap((event) => read(event).usage ?? []);
  return usages.length === 0 ? undefined : Object.assign({}, ...usages);
}

function callOf({ provider, conversation }: RecordedChat) {
  return { provider, model: conversation.model, operation: 'chat', at: Date.UTC(2026, 10, 21) } as const;
}

const used = recordingsMissing
  ? []
  : recordedChats().flatMap((chat) => {
      const usage = chat.request === undefined ? undefined : usageOf(chat);
      if (usage === undefined || usage.input === 0) return [];
      const body = new BytesBody(Buffer.from(JSON.stringify(chat.request)), 'application/json');
      const request = new GatewayRequest('POST', '/x', '', new RequestHeaders([]), body);
      return [{ chat, usage, bound: estimate(request, 'chat', estimates), size: prices.sizeOf(callOf(chat)) }];
    });

test('bounds the input of every recorded call', { skip: recordingsMissing }, () => {
  const short = used
    .filter(({ usage, bound, size }) => bound.inputTokens + (size.ownInputTokens ?? 0) < usage.input)
    .map(({ chat }) => chat.name)
    .filter((name) => !exceptions.some((exception) => exception.test(name)));
  assert.deepEqual(short, []);
  assert.ok(used.length > 900, `${used.length} calls say what they used`);
});

test('stays within six times of the input of most recorded calls that send text alone', {
  skip: recordingsMissing,
}, () => {
  const ratios = used
    .filter(
      ({ usage, chat }) =>
        usage.input > 1_000 && !/tools|inline|image|file|document/.test(JSON.stringify(chat.request)),
    )
    .map(({ usage, bound }) => bound.inputTokens / usage.input)
    .sort((a, b) => a - b);
  const median = ratios[ratios.length >> 1]!;
  assert.ok(median < 6, `${median} over ${ratios.length} calls`);
});

test('bounds the output of every recorded call by its limit or the maximum of its model', {
  skip: recordingsMissing,
}, () => {
  const over = used.filter(({ usage, bound, size }) => {
    const most = bound.outputStated
      ? bound.outputTokens
      : (size.maxOutputTokens ?? estimates.maxOutputTokens) * bound.choices;
    return usage.output > most;
  });
  assert.deepEqual(
    over.map(({ chat }) => chat.name),
    [],
  );
});
