import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { AttemptRecord, Outcome, RoutedExchange, Usage } from '../../plugin-sdk/index.ts';
import type { UsageFacts } from '../../plugin-sdk/ports/prices.ts';
import type { ExchangeRecord } from '../../plugin-sdk/ports/records.ts';
import { bookVersion, shippedBook } from '../../plugins/pricing/book/index.ts';
import { PriceBook } from '../../plugins/pricing/book.ts';
import { bookFileSchema } from '../../plugins/pricing/book-file.ts';
import { exchangeCost } from '../../plugins/pricing/exchange-cost.ts';
import { pricesFrom, pricingOptions } from '../../plugins/pricing/index.ts';
import { repriceRecords, repriceStore } from '../../plugins/pricing/reprice.ts';
import { reprice } from '../../plugins/pricing/reprice-command.ts';
import { openStore, recordNumber } from './record-store.ts';

const at = Date.parse('2026-11-21T12:00:00Z');

function prices(options: object = {}, plugins: Record<string, string> = {}) {
  return pricesFrom(pricingOptions.parse(options), (instance) => plugins[instance]);
}

function facts(provider: string, model: string, usage: Partial<Usage>, more: Partial<UsageFacts> = {}): UsageFacts {
  return { provider, model, operation: 'chat', at, usage: { input: 0, output: 0, ...usage }, ...more };
}

/** USD, for readable fixtures; exact for the amounts used here. */
function usdOf(facts: UsageFacts, options: object = {}, plugins: Record<string, string> = {}): number | 'unknown' {
  const cost = prices(options, plugins).cost(facts);
  return cost === 'unknown' ? 'unknown' : cost.nanoUsd / 1e9;
}

describe('pricing mistakes of other gateways', () => {
  it('prices the whole call at the long-context price once its input passes 200,000 tokens', () => {
    assert.equal(usdOf(facts('gemini', 'gemini-2.5-pro', { input: 200_001, output: 1_000 })), 0.5000025 + 0.015);
  });

  it('keeps the short-context price at exactly 200,000 input tokens', () => {
    assert.equal(usdOf(facts('gemini', 'gemini-2.5-pro', { input: 200_000, output: 1_000 })), 0.25 + 0.01);
  });

  it('counts cached tokens towards the long-context threshold', () => {
    const usage = { input: 250_000, cachedInput: 240_000, output: 0 };
    assert.equal(usdOf(facts('anthropic', 'claude-sonnet-4-5', usage)), (10_000 * 6 + 240_000 * 0.6) / 1e6);
  });

  it('charges cache writes at their own price, above that of input', () => {
    const usage = { input: 10_000, cacheWriteInput: 8_000, output: 0 };
    assert.equal(usdOf(facts('anthropic', 'claude-opus-4-8', usage)), (2_000 * 5 + 8_000 * 6.25) / 1e6);
  });

  it('charges cache writes with a one-hour life at twice the price of input', () => {
    const usage = { input: 10_000, cacheWriteInput: 8_000, cacheWriteLongInput: 5_000, output: 0 };
    assert.equal(usdOf(facts('anthropic', 'claude-opus-4-8', usage)), (2_000 * 5 + 3_000 * 6.25 + 5_000 * 10) / 1e6);
  });

  it('does not charge cached tokens a second time as input', () => {
    const usage = { input: 100_000, cachedInput: 100_000, output: 0 };
    assert.equal(usdOf(facts('openai', 'gpt-4o', usage)), 0.125);
  });

  it('never charges less than nothing when a provider reports more cached tokens than input', () => {
    const usage = { input: 1_000, cachedInput: 5_000, cacheWriteInput: 5_000, output: 0 };
    assert.equal(usdOf(facts('anthropic', 'claude-opus-4-8', usage)), 0.0005);
  });

  it('doubles the long-context price before halving it for a batch', () => {
    const usage = { input: 300_000, output: 10_000 };
    assert.equal(
      usdOf(facts('openai', 'gpt-5.4', usage, { serviceTier: 'batch' })),
      (300_000 * 5 + 10_000 * 22.5) / 2 / 1e6,
    );
  });

  it('takes an explicit price of 0 as a price', () => {
    const free = { overrides: [{ model: 'gpt-4o', input: 0, output: '0' }] };
    assert.equal(usdOf(facts('openai', 'gpt-4o', { input: 1_000_000, output: 1_000 }), free), 0);
  });

  it('says that the cost of a model without a price is unknown, not 0', () => {
    assert.equal(usdOf(facts('openai', 'gpt-99-mystery', { input: 10, output: 10 })), 'unknown');
  });

  it('says unknown, not 0, for tokens of a class that has no price', () => {
    assert.equal(usdOf(facts('openai', 'text-embedding-3-small', { input: 10, output: 10 })), 'unknown');
  });

  it('does not give a model the price of a cheaper one whose name it begins with', () => {
    assert.equal(usdOf(facts('openai', 'gpt-5-pro', { input: 1_000_000 })), 15);
    assert.equal(usdOf(facts('openai', 'gpt-5-mini-2025-08-07', { input: 1_000_000 })), 0.25);
    assert.equal(usdOf(facts('openai', 'gpt-5-unheard-of', { input: 1_000_000 })), 'unknown');
  });

  it('prices a dated snapshot as its model', () => {
    assert.equal(usdOf(facts('openai', 'gpt-4.1-2025-04-14', { input: 1_000_000 })), 2);
    assert.equal(usdOf(facts('anthropic', 'claude-haiku-4-5-20251001', { input: 1_000_000 })), 1);
  });

  it('does not price a snapshot as its model when it has a price of its own', () => {
    assert.equal(usdOf(facts('openai', 'gpt-4o-2024-05-13', { input: 1_000_000 })), 5);
  });

  it('prices a regional inference profile as the model that it runs', () => {
    const model = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
    assert.equal(usdOf(facts('bedrock', model, { input: 100_000, output: 1_000 })), 0.315);
  });

  it('prices a deployment by the name that the client used', () => {
    const named = { otherModels: ['gpt-4o'] };
    assert.equal(usdOf(facts('azure', 'prod-eastus-7', { input: 1_000_000 }, named)), 2.5);
  });

  it('prices a provider instance of any name as the provider it uses', () => {
    assert.equal(usdOf(facts('eu-account', 'gpt-4o', { input: 1_000_000 }), {}, { 'eu-account': 'openai' }), 2.5);
  });

  it('charges reasoning within output once, and at its own price where there is one', () => {
    assert.equal(usdOf(facts('openai', 'o3', { output: 1_000, reasoning: 900 })), 0.008);
    assert.equal(
      usdOf(facts('perplexity', 'sonar-deep-research', { output: 1_000, reasoning: 900 })),
      (100 * 8 + 900 * 3) / 1e6,
    );
  });

  it('charges audio tokens at their own price', () => {
    const usage = { input: 1_000, audioInput: 900, output: 500, audioOutput: 400 };
    assert.equal(
      usdOf(facts('openai', 'gpt-4o-audio-preview', usage)),
      (100 * 2.5 + 900 * 40 + 100 * 10 + 400 * 80) / 1e6,
    );
  });

  it('prices a call by the day on which it was made', () => {
    const model = (day: string) =>
      usdOf(facts('gemini', 'gemini-3.8-flash', { input: 1_000_000 }, { at: Date.parse(day) }));
    assert.equal(model('2026-12-31T23:59:59Z'), 0.75);
    assert.equal(model('2027-01-01T00:00:00Z'), 1.5);
  });

  it('prices a call by the hour where the provider has peak hours', () => {
    const model = (time: string) =>
      usdOf(facts('deepseek', 'deepseek-flash', { input: 1_000_000 }, { at: Date.parse(time) }));
    assert.deepEqual(['2026-11-20T03:59:59Z', '2026-11-20T04:00:00Z'].map(model), [0.3, 0.15]);
    assert.deepEqual(['2026-11-21T02:00:00Z', '2026-11-20T06:00:00Z'].map(model), [0.15, 0.3]);
  });

  it('charges images by size and quality', () => {
    const image = (imageSize: string, imageQuality: string) =>
      usdOf(facts('openai', 'dall-e-3', { images: 2 }, { operation: 'images.generate', imageSize, imageQuality }));
    assert.equal(image('1024x1792', 'hd'), 0.24);
    assert.equal(image('auto', 'auto'), 0.08);
  });

  it('says unknown for audio priced by the second when nobody counted the seconds', () => {
    assert.equal(usdOf(facts('openai', 'whisper-1', {}, { operation: 'audio.transcription' })), 'unknown');
    assert.equal(
      usdOf(facts('openai', 'whisper-1', { audioSeconds: 90 }, { operation: 'audio.transcription' })),
      0.009,
    );
  });

  it('charges a request fee and searches besides the tokens', () => {
    assert.equal(usdOf(facts('perplexity', 'sonar', { input: 1_000, output: 1_000 })), 0.007);
    assert.equal(usdOf(facts('anthropic', 'claude-opus-4-8', { input: 0, output: 0, searches: 3 })), 0.03);
  });

  it('adds up a million tiny calls without drifting', () => {
    const one = prices().cost(
      facts('deepseek', 'deepseek-v4-flash', { input: 5, cachedInput: 5, output: 0 }, { at: Date.UTC(2026, 6, 1) }),
    );
    assert.deepEqual(one, { nanoUsd: 14, version: bookVersion });
  });
});

describe('overrides', () => {
  const usage = { input: 1_000_000, output: 0 };
  const override = (overrides: object[], more: Partial<UsageFacts> = {}) =>
    usdOf(facts('openai', 'gpt-4o', usage, more), { overrides });

  it('replace the prices of the book whole', () => {
    const cached = facts('openai', 'gpt-4o', { input: 1_000_000, cachedInput: 1_000_000 });
    assert.equal(usdOf(cached, { overrides: [{ model: 'gpt-4o', input: '7', output: '9' }] }), 7);
  });

  it('hold for the narrowest scope first, then for the closest name', () => {
    const list = [
      { model: 'gpt-*', input: 1, output: 1 },
      { model: 'gpt-4*', input: 2, output: 1 },
      { model: 'gpt-4o', input: 3, output: 1 },
      { model: '*', provider: 'openai', input: 4, output: 1 },
      { model: '*', virtualKey: 'vk-1', input: 5, output: 1 },
      { model: '*', virtualKey: 'vk-1', provider: 'openai', key: 'eu', input: 6, output: 1 },
    ];
    assert.equal(override(list.slice(0, 3)), 3);
    assert.equal(override(list), 4);
    assert.equal(override(list, { virtualKey: 'vk-1' }), 5);
    assert.equal(override(list, { virtualKey: 'vk-1', key: 'eu' }), 6);
  });

  it('scale the prices of the book by a multiplier', () => {
    assert.equal(override([{ provider: 'openai', multiplier: '0.85' }]), 2.125);
  });

  it('are refused when they hold no price, or prices beside a multiplier', () => {
    assert.equal(pricingOptions.safeParse({ overrides: [{ model: 'x' }] }).success, false);
    assert.equal(pricingOptions.safeParse({ overrides: [{ model: 'x', input: 1, multiplier: '0.5' }] }).success, false);
    assert.equal(pricingOptions.safeParse({ overrides: [{ model: 'x', inputs: 1 }] }).success, false);
  });

  it('name themselves in the version of the cost', () => {
    const cost = prices({ overrides: [{ model: 'gpt-4o', input: 1, output: 1 }] }).cost(
      facts('openai', 'gpt-4o', usage),
    );
    assert.match((cost as { version: string }).version, /^config-[0-9a-f]{8}$/);
  });
});

describe('sizes', () => {
  const sizeOf = (provider: string, model: string, overrides: readonly object[] = []) =>
    prices({ overrides }).sizeOf({ provider, model, operation: 'chat', at });

  it('are those of the closest family, under every name that a price is found by', () => {
    const claude = { maxOutputTokens: 64_000, contextWindow: 200_000 };
    assert.deepEqual(sizeOf('anthropic', 'claude-haiku-4-5-20251001'), claude);
    assert.deepEqual(sizeOf('bedrock', 'us.anthropic.claude-haiku-4-5-20251001-v1:0'), claude);
    assert.equal(sizeOf('azure', 'gpt-4o-mini').maxOutputTokens, 16_384);
    assert.equal(sizeOf('openai', 'gpt-4o-2024-05-13').maxOutputTokens, 4_096);
    assert.equal(sizeOf('openai', 'gpt-5-pro').maxOutputTokens, 272_000);
    assert.equal(sizeOf('openai', 'gpt-5.1-chat-latest').maxOutputTokens, 16_384);
  });

  it('are empty for a model that nobody knows', () => {
    assert.deepEqual(sizeOf('openai', 'nobody-knows'), {});
    assert.deepEqual(sizeOf('nobody', 'gpt-5'), {});
  });

  it('are overridden one by one, and leave the prices as they are', () => {
    const overrides = [
      { model: 'gpt-5*', maxOutputTokens: 9_000 },
      { provider: 'openai', multiplier: '0.5' },
    ];
    assert.deepEqual(sizeOf('openai', 'gpt-5', overrides), { maxOutputTokens: 9_000, contextWindow: 400_000 });
    assert.equal(usdOf(facts('openai', 'gpt-5', { input: 1_000_000 }), { overrides }), 0.625);
    assert.deepEqual(sizeOf('my-vllm', 'llama', [{ model: 'llama', input: 0, output: 0, contextWindow: 8_192 }]), {
      contextWindow: 8_192,
    });
  });

  it('are known for every model of the book that is charged for text that it writes', () => {
    const spoken = /realtime|image|tts|transcribe|native-audio|glm-4\.7-flash|deep-research/;
    const unknown = shippedBook.flatMap(({ provider, read }) => {
      return read()
        .models.filter(({ output, model }) => output !== undefined && Number(output) > 0 && !spoken.test(model))
        .filter(({ model }) => {
          const { maxOutputTokens, contextWindow } = sizeOf(provider, model.replace('*', '1'));
          return maxOutputTokens === undefined && contextWindow === undefined;
        })
        .map(({ model }) => `${provider}/${model}`);
    });
    assert.deepEqual(unknown, []);
  });
});

describe('the book that ships', () => {
  it('holds only what a book file may, under the name of its provider, with prices that can be read', () => {
    const book = new PriceBook(shippedBook, bookVersion);
    for (const { provider, read } of shippedBook) {
      const { provider: own, models } = bookFileSchema.parse(read());
      assert.equal(own, provider);
      for (const { model } of models) assert.notEqual(book.find(provider, model.replace('*', '1'), at), undefined);
    }
  });
});

describe('reservation', () => {
  const book = new PriceBook(shippedBook, bookVersion);
  const models = shippedBook.flatMap(({ provider, read }) =>
    read()
      .models.filter((one) => !one.model.includes('*'))
      .map((one): [string, string] => [provider, one.model]),
  );

  it('is never below the cost of a call that stays within it, for every model of the book', () => {
    const tokens = fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 1_500_000 }));
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const all = prices();
    fc.assert(
      fc.property(
        fc.constantFrom(...models),
        fc.record({ input: tokens, output: tokens, shares: fc.array(share, { minLength: 10, maxLength: 10 }) }),
        fc.constantFrom(undefined, 'batch', 'flex', 'priority', 'fast', 'auto'),
        fc.boolean(),
        ([provider, model], reserved, serviceTier, servedAsAsked) => {
          const [a, b, c, d, e, f, g, h, i, j] = reserved.shares as [
            number,
            number,
            number,
            number,
            number,
            number,
            number,
            number,
            number,
            number,
          ];
          const input = Math.floor(reserved.input * a);
          const output = Math.floor(reserved.output * b);
          const cacheWriteInput = Math.floor(input * d);
          const call = {
            provider,
            model,
            operation: 'chat',
            at,
            ...(serviceTier === undefined ? {} : { serviceTier }),
          } as const;
          const bounds = { images: 3, audioSeconds: 100, characters: 1_000, searches: 4 };
          const most = all.reserve({ ...call, inputTokens: reserved.input, outputTokens: reserved.output, ...bounds });
          const { serviceTier: _, ...standard } = { serviceTier: undefined, ...call };
          const cost = all.cost({
            ...(servedAsAsked ? call : standard),
            usage: {
              input,
              output,
              cachedInput: Math.floor(input * c),
              cacheWriteInput,
              cacheWriteLongInput: Math.floor(cacheWriteInput * e),
              audioInput: Math.floor(input * f),
              imageInput: Math.floor(input * g),
              reasoning: Math.floor(output * h),
              audioOutput: Math.floor(output * i),
              imageOutput: Math.floor(output * j),
              images: Math.floor(3 * a),
              audioSeconds: 100 * b,
              characters: Math.floor(1_000 * c),
              searches: Math.floor(4 * d),
            },
          });
          // Nothing used costs nothing, also where what was asked for has no price.
          if (cost === 'unknown' || (most === 'unknown' && cost.nanoUsd === 0)) return;
          assert.notEqual(most, 'unknown');
          assert.ok(
            (most as { nanoUsd: number }).nanoUsd >= cost.nanoUsd,
            `${provider}/${model}: ${JSON.stringify({ most, cost })}`,
          );
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('holds for every price of the book at its own day', () => {
    for (const [provider, model] of models)
      assert.notEqual(book.find(provider, model, at), undefined, `${provider}/${model}`);
  });

  it('covers the tokens of the images asked for, at the quality asked for', () => {
    const image = {
      provider: 'openai',
      model: 'gpt-image-1',
      operation: 'images.generate',
      at,
      inputTokens: 0,
      outputTokens: 0,
    } as const;
    assert.deepEqual(prices().reserve({ ...image, images: 2, imageQuality: 'low' }), {
      nanoUsd: 2 * 408 * 40_000,
      version: bookVersion,
    });
    assert.deepEqual(prices().reserve({ ...image, imageQuality: 'auto' }), {
      nanoUsd: 6_240 * 40_000,
      version: bookVersion,
    });
  });

  it('leaves cache writes out for a request that cannot make any', () => {
    const call = {
      provider: 'anthropic',
      model: 'claude-opus-4-8',
      operation: 'chat',
      at,
      inputTokens: 1_000,
      outputTokens: 0,
    } as const;
    assert.equal((prices().reserve(call) as { nanoUsd: number }).nanoUsd, 10_000_000);
    assert.equal((prices().reserve({ ...call, mayWriteCache: false }) as { nanoUsd: number }).nanoUsd, 5_000_000);
  });
});

describe('the cost of an exchange', () => {
  const attempt = (more: Partial<AttemptRecord>): AttemptRecord => ({
    number: 1,
    provider: 'openai',
    model: 'gpt-4o',
    key: 'main',
    result: 'ok',
    status: 200,
    error: undefined,
    durationMs: 1,
    startedMs: 0,
    firstContentMs: 1,
    retryAfterMs: undefined,
    usage: undefined,
    ...more,
  });
  const exchange = (more: object = {}) =>
    ({
      operation: 'chat',
      time: at,
      targets: [],
      model: 'gpt-4o',
      get: () => undefined,
      request: { method: 'POST', body: { kind: 'none' } },
      ...more,
    }) as unknown as RoutedExchange;
  const outcome = (attempts: AttemptRecord[], more: Partial<Outcome> = {}) =>
    ({ origin: 'upstream', attempts, usage: undefined, ...more }) as Outcome;
  const million = { input: 1_000_000, output: 0 };

  it('is not doubled when a first attempt failed before it used anything', () => {
    const attempts = [attempt({ result: 'failed', status: 500 }), attempt({ number: 2 })];
    assert.equal(
      (exchangeCost(exchange(), outcome(attempts, { usage: million }), prices()) as { nanoUsd: number }).nanoUsd,
      2.5e9,
    );
  });

  it('adds what a cut or hedged attempt used, at its own price', () => {
    const attempts = [
      attempt({ result: 'abandoned', usage: million }),
      attempt({ provider: 'anthropic', model: 'claude-opus-4-8', usage: million }),
    ];
    assert.equal(
      (exchangeCost(exchange(), outcome(attempts, { usage: million }), prices()) as { nanoUsd: number }).nanoUsd,
      7.5e9,
    );
  });

  it('is absent when no provider was asked', () => {
    assert.equal(exchangeCost(exchange(), outcome([], { origin: 'gateway', usage: million }), prices()), undefined);
  });

  it('is unknown when a provider answered without saying what it used', () => {
    assert.equal(exchangeCost(exchange(), outcome([attempt({})]), prices()), 'unknown');
  });

  it('follows the tier that the provider says it served in, not the one asked for', () => {
    const usage = { ...million, serviceTier: 'priority' };
    assert.equal(
      (exchangeCost(exchange(), outcome([attempt({ usage })]), prices()) as { nanoUsd: number }).nanoUsd,
      4.25e9,
    );
  });
});

describe('reprice', () => {
  it('starts at the day that it is told, in UTC, and touches nothing where that is none', async (test) => {
    const { store } = openStore(test);
    const usage = { input: 1_000_000, output: 0 };
    const of = { provider: 'openai', model: 'gpt-4o', usage, cost: 1 };
    await store.append([recordNumber(1, { ...of, time: at - 1 }), recordNumber(2, { ...of, time: at })]);
    for (const from of ['now-1', 'november 1', '21.11.2026', '2026', '2026-02-30'])
      await assert.rejects(
        reprice(store, prices(), from, () => assert.fail(from)),
        /takes a date such as/,
      );
    let told = '';
    await reprice(store, prices(), '2026-11-21T12:00', (line) => (told = line));
    assert.match(told, /^1 records cost differently now/);
    assert.equal(store.get('req-1')?.cost, 1);
  });

  const usage = { input: 1_000_000, output: 0 };
  const record = (id: string, more: Partial<ExchangeRecord>) =>
    recordNumber(0, { id, time: at, provider: 'openai', model: 'gpt-4o', usage, ...more });
  const attempt = { provider: 'openai', model: 'gpt-4o', result: 'failed', durationMs: 9, firstContentMs: 1 } as const;
  const records = [
    record('right', { cost: 2.5e9 }),
    record('was-unknown', { cost: 'unknown' }),
    record('wrong', { cost: 1 }),
    record('refused', {}),
    record('paid-twice', { cost: 9, attempts: [attempt, { ...attempt, result: 'ok' }] }),
  ];

  it('gives the records whose cost changes, and leaves the others alone', () => {
    assert.deepEqual(
      [...repriceRecords(records, prices())].map((one) => [one.id, one.before, one.after]),
      [
        ['was-unknown', 'unknown', { nanoUsd: 2.5e9, version: bookVersion }],
        ['wrong', 1, { nanoUsd: 2.5e9, version: bookVersion }],
      ],
    );
  });

  it('corrects a whole store and says by how much', async (test) => {
    const { store } = openStore(test);
    await store.append(records);
    assert.deepEqual(await repriceStore(store, {}, prices()), { changed: 2, nanoUsd: 5e9 - 1 });
    assert.equal(store.get('wrong')?.cost, 2.5e9);
    assert.equal(store.get('paid-twice')?.cost, 9);
    assert.deepEqual(await repriceStore(store, {}, prices()), { changed: 0, nanoUsd: 0 });
  });
});
