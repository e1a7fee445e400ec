import assert from 'node:assert/strict';
import { test } from 'node:test';
import { providerGateway } from './provider-gateway.ts';

const tools = [{ type: 'custom' as const, name: 'apply_patch', description: 'Changes files.' }];
const input = [
  { role: 'user' as const, content: 'Hi' },
  { type: 'custom_tool_call' as const, call_id: 'abcdefgh1', name: 'apply_patch', input: 'a "b"\n' },
  { type: 'custom_tool_call_output' as const, call_id: 'abcdefgh1', output: 'done' },
];
const written = JSON.stringify({ input: '*** Begin "Patch" 😀\n' });

for (const provider of ['mistral', 'together', 'cerebras']) {
  test(`asks ${provider} for a free-text tool as a function with one string, and gives its call back as free text`, async () => {
    await using gateway = await providerGateway(`providers/${provider}`);
    const call = { id: 'abcdefgh2', type: 'function', function: { name: 'apply_patch', arguments: written } };
    gateway.upstream.reply({
      json: {
        id: 'c',
        object: 'chat.completion',
        created: 1,
        model: 'm',
        choices: [
          { index: 0, message: { role: 'assistant', content: null, tool_calls: [call] }, finish_reason: 'tool_calls' },
        ],
      },
    });
    const asked = {
      model: `${provider}/m`,
      tools,
      tool_choice: { type: 'custom' as const, name: 'apply_patch' },
      input,
    };
    const { output } = await gateway.client.responses.create(asked);
    const sent = gateway.last().json as {
      tools: { type: string }[];
      tool_choice: unknown;
      messages: { tool_calls: { function: { arguments: string } }[] }[];
    };
    assert.deepEqual(
      sent.tools.map((tool) => tool.type),
      ['function'],
    );
    assert.deepEqual(sent.tool_choice, { type: 'function', function: { name: 'apply_patch' } });
    assert.equal(sent.messages[1]!.tool_calls[0]!.function.arguments, JSON.stringify({ input: 'a "b"\n' }));
    assert.deepEqual(
      output.map((item) => (item.type === 'custom_tool_call' ? [item.name, item.input] : item.type)),
      [['apply_patch', '*** Begin "Patch" 😀\n']],
    );

    const chunk = (delta: object, finish_reason: string | null = null) => ({
      id: 'c',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [{ index: 0, delta, finish_reason }],
    });
    gateway.upstream.reply({
      events: [
        chunk({
          role: 'assistant',
          tool_calls: [{ index: 0, ...call, function: { name: 'apply_patch', arguments: '' } }],
        }),
        ...[...written].map((text) => chunk({ tool_calls: [{ index: 0, function: { arguments: text } }] })),
        chunk({}, 'tool_calls'),
        '[DONE]',
      ],
    });
    const streamed = await gateway.client.responses.stream({ ...asked, model: `${provider}/m` }).finalResponse();
    assert.deepEqual(
      streamed.output.map((item) => (item.type === 'custom_tool_call' ? [item.name, item.input] : item.type)),
      [['apply_patch', '*** Begin "Patch" 😀\n']],
    );
  });
}

for (const provider of ['mistral', 'together', 'cerebras']) {
  test(`asks ${provider} for a free-text tool of chat as a function, and gives its call back to the client as free text`, async () => {
    await using gateway = await providerGateway(`providers/${provider}`);
    const call = { id: 'abcdefgh2', type: 'function', function: { name: 'apply_patch', arguments: written } };
    const answer = { id: 'c', created: 1, model: 'm' };
    const patch = { type: 'custom' as const, custom: { name: 'apply_patch', input: 'a "b"\n' } };
    const asked = {
      model: `${provider}/m`,
      tools: [{ type: 'custom' as const, custom: { name: 'apply_patch', description: 'Changes files.' } }],
      tool_choice: { type: 'custom' as const, custom: { name: 'apply_patch' } },
      messages: [
        { role: 'user' as const, content: 'Hi' },
        { role: 'assistant' as const, tool_calls: [{ id: 'abcdefgh1', ...patch }] },
        { role: 'tool' as const, tool_call_id: 'abcdefgh1', content: 'done' },
      ],
    };
    const free = { type: 'custom', custom: { name: 'apply_patch', input: '*** Begin "Patch" 😀\n' } };

    const message = { role: 'assistant', content: null, tool_calls: [call] };
    const choices = [{ index: 0, message, finish_reason: 'tool_calls' }];
    gateway.upstream.reply({ json: { ...answer, object: 'chat.completion', choices } });
    const whole = await gateway.client.chat.completions.create(asked);
    const [made] = whole.choices[0]!.message.tool_calls!;
    assert.deepEqual(made, { id: 'abcdefgh2', ...free });
    const sent = gateway.last().json as {
      tools: unknown[];
      tool_choice: unknown;
      messages: { tool_calls: unknown[] }[];
    };
    const parameters = { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] };
    assert.deepEqual(sent.tools, [
      { type: 'function', function: { name: 'apply_patch', parameters, description: 'Changes files.' } },
    ]);
    assert.deepEqual(sent.tool_choice, { type: 'function', function: { name: 'apply_patch' } });
    assert.deepEqual(sent.messages[1]!.tool_calls, [
      {
        id: 'abcdefgh1',
        type: 'function',
        function: { name: 'apply_patch', arguments: JSON.stringify({ input: 'a "b"\n' }) },
      },
    ]);

    const chunk = (delta: object, finish_reason: string | null = null) => ({
      ...answer,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, finish_reason }],
    });
    gateway.upstream.reply({
      events: [
        chunk({ role: 'assistant', tool_calls: [{ index: 0, ...call }] }),
        chunk({}, 'tool_calls'),
        'data: [DONE]\n\n',
      ],
    });
    const streamed = await gateway.client.chat.completions.create({ ...asked, stream: true });
    let input = '';
    for await (const { choices } of streamed) {
      const [part] = choices[0]?.delta.tool_calls ?? [];
      input += (part as { custom?: { input?: string } } | undefined)?.custom?.input ?? '';
    }
    assert.equal(input, free.custom.input);
  });
}

test('leaves a free-text tool of chat to a server of your own as it is', async () => {
  await using gateway = await providerGateway('providers/openai-compatible');
  gateway.upstream.always({ json: { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [] } });
  const custom = [{ type: 'custom' as const, custom: { name: 'apply_patch' } }];
  const messages = [{ role: 'user' as const, content: 'Hi' }];
  await gateway.client.chat.completions
    .create({ model: 'openai-compatible/m', tools: custom, messages })
    .catch(() => {});
  assert.deepEqual((gateway.last().json as { tools: unknown }).tools, custom);
});
