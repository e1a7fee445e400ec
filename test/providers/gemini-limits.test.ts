import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type OpenAI from 'openai';
import { type ProviderGateway, providerGateway } from './provider-gateway.ts';

const generated = (parts: object[], more: object = {}) => ({
  candidates: [{ index: 0, content: { role: 'model', parts }, finishReason: 'STOP', ...more }],
  usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 },
  responseId: 'resp-1',
});
const hi = [{ role: 'user' as const, content: 'Hi' }];
const model = 'gemini/gemini-3-flash';
const tool = (name: string): OpenAI.ChatCompletionTool => ({
  type: 'function',
  function: { name, parameters: { type: 'object', properties: {} } },
});

/** What is looked at in a request. */
interface Sent {
  readonly tools: readonly { readonly functionDeclarations: readonly { readonly name: string }[] }[];
  readonly toolConfig: { readonly functionCallingConfig: { readonly allowedFunctionNames: readonly string[] } };
  readonly generationConfig?: { readonly seed?: number; readonly responseMimeType?: string };
}

suite('what Google would refuse', () => {
  let gateway: ProviderGateway;
  before(async () => {
    gateway = await providerGateway('providers/gemini');
  });
  after(() => gateway?.close());
  const sent = () => gateway.last().json as unknown as Sent;

  test('a function name that begins with a digit or a dash is sent with an underscore, and comes back as it was', async () => {
    gateway.upstream.reply({ json: generated([{ functionCall: { name: '_1st_builder', args: {} } }]) });
    const answer = await gateway.client.chat.completions.create({
      model,
      messages: hi,
      tools: [tool('21st_builder'), tool('-x'), tool('_1st_builder')],
      tool_choice: { type: 'function', function: { name: '21st_builder' } },
    });
    const names = sent().tools[0]!.functionDeclarations.map(({ name }) => name);
    for (const name of names) assert.match(name, /^[A-Za-z_]/);
    assert.equal(new Set(names).size, 3);
    assert.deepEqual(sent().toolConfig.functionCallingConfig.allowedFunctionNames, [names[0]]);
    const [called] = answer.choices[0]!.message.tool_calls!;
    assert.ok(called?.type === 'function');
    assert.equal(called.function.name, '_1st_builder');
  });

  test('a seed beyond 32 bits is sent as one that fits, the same for the same', async () => {
    const seedFor = async (seed: number) => {
      gateway.upstream.reply({ json: generated([{ text: 'Hello' }]) });
      await gateway.client.chat.completions.create({ model, messages: hi, seed });
      return sent().generationConfig!.seed!;
    };
    assert.equal(await seedFor(7), 7);
    assert.equal(await seedFor(-7), -7);
    const folded = await seedFor(1_795_403_200_123);
    assert.equal(folded, folded | 0);
    assert.equal(await seedFor(1_795_403_200_123), folded);
  });

  test('an output format is left out of a turn in which a function must be called', async () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } } };
    const formatFor = async (tool_choice: OpenAI.ChatCompletionToolChoiceOption) => {
      gateway.upstream.reply({ json: generated([{ functionCall: { name: 'f', args: {} } }]) });
      const { choices } = await gateway.client.chat.completions.create({
        model,
        messages: hi,
        tools: [tool('f')],
        tool_choice,
        response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } },
      });
      assert.equal(choices[0]!.finish_reason, 'tool_calls');
      return sent().generationConfig?.responseMimeType;
    };
    assert.equal(await formatFor('auto'), 'application/json');
    assert.equal(await formatFor('required'), undefined);
    assert.equal(await formatFor({ type: 'function', function: { name: 'f' } }), undefined);
  });
});
