import { createFramer } from '../../kernel/framing/create-framer.ts';
import { isObject, type JsonObject, type JsonValue } from '../../plugin-sdk/json.ts';

/** What an answer says, in the words of no format: what must survive translation. */
export interface Facts {
  text: string;
  reasoning: string;
  tools: { name: string; arguments: JsonValue }[];
  /** OpenAI's chat words; `failed` where the provider itself calls the answer broken. */
  finish: string;
  input: number;
  output: number;
  cached: number;
  thought: number;
}

export type Format = 'anthropic' | 'gemini' | 'bedrock' | 'cohere' | 'chat' | 'responses';

const nothing = (): Facts => ({
  text: '',
  reasoning: '',
  tools: [],
  finish: '',
  input: 0,
  output: 0,
  cached: 0,
  thought: 0,
});

/**
 * Reads the facts of a native answer by the provider's documentation, without any code of the gateway's translators:
 * what the translated answer is compared with must not come from what is compared.
 */
export function factsOf(format: Format, body: JsonObject): Facts {
  return readers[format](body);
}

/** The same of a recorded stream. */
export function streamFacts(format: Format, bytes: Buffer): Facts {
  const events: { name: string; json: JsonObject }[] = [];
  const framer = createFramer(format === 'bedrock' ? 'aws-event-stream' : 'sse', { provider: 'recording' });
  const take = ({ name = '', data }: { name?: string; data: string }): void => {
    if (data.startsWith('{')) events.push({ name, json: JSON.parse(data) as JsonObject });
  };
  framer.push(bytes, take);
  framer.end(take);
  return streamReaders[format]!(events);
}

const readers: Readonly<Record<Format, (body: JsonObject) => Facts>> = {
  anthropic(body) {
    const facts = nothing();
    for (const block of objects(body['content'])) addAnthropicBlock(facts, block);
    const reason = str(body['stop_reason']);
    facts.finish =
      {
        max_tokens: 'length',
        model_context_window_exceeded: 'length',
        tool_use: 'tool_calls',
        refusal: 'content_filter',
      }[reason] ?? 'stop';
    anthropicUsage(facts, object(body['usage']));
    return facts;
  },
  gemini(body) {
    const facts = nothing();
    addCandidate(facts, body);
    return geminiFinish(facts, body);
  },
  bedrock(body) {
    const facts = nothing();
    for (const block of objects(object(object(body['output'])['message'])['content'])) {
      facts.text += str(block['text']);
      facts.reasoning += str(object(object(block['reasoningContent'])['reasoningText'])['text']);
      const use = block['toolUse'];
      // What the provider runs itself is no call for the client.
      if (isObject(use) && use['type'] !== 'server_tool_use')
        facts.tools.push({ name: str(use['name']), arguments: use['input'] ?? {} });
    }
    facts.finish = bedrockFinish(str(body['stopReason']));
    bedrockUsage(facts, object(body['usage']));
    return facts;
  },
  cohere(body) {
    const facts = nothing();
    const message = object(body['message']);
    facts.text += str(message['tool_plan']);
    for (const part of objects(message['content'])) {
      facts.text += str(part['text']);
      facts.reasoning += str(part['thinking']);
    }
    for (const call of objects(message['tool_calls'])) facts.tools.push(functionCall(call));
    facts.finish = { MAX_TOKENS: 'length', TOOL_CALL: 'tool_calls' }[str(body['finish_reason'])] ?? 'stop';
    const tokens = object(object(body['usage'])['tokens']);
    facts.input = num(tokens['input_tokens']);
    facts.output = num(tokens['output_tokens']);
    facts.cached = num(object(body['usage'])['cached_tokens']);
    return facts;
  },
  chat(body) {
    const facts = nothing();
    const choice = objects(body['choices'])[0] ?? {};
    const message = object(choice['message']);
    addChatText(facts, message);
    for (const call of objects(message['tool_calls'])) facts.tools.push(functionCall(call));
    facts.finish = chatFinish(str(choice['finish_reason']), facts);
    chatUsage(facts, object(body['usage']));
    return facts;
  },
  responses(body) {
    const facts = nothing();
    for (const item of objects(body['output'])) {
      if (item['type'] === 'message')
        for (const part of objects(item['content'])) facts.text += str(part['text']) + str(part['refusal']);
      if (item['type'] === 'reasoning') facts.reasoning += reasoningText(item);
      if (item['type'] === 'function_call')
        facts.tools.push({ name: str(item['name']), arguments: parsed(item['arguments']) });
    }
    const incomplete = str(object(body['incomplete_details'])['reason']);
    if (body['status'] === 'failed') facts.finish = 'failed';
    else
      facts.finish =
        { max_output_tokens: 'length', content_filter: 'content_filter' }[incomplete] ??
        (facts.tools.length > 0 ? 'tool_calls' : 'stop');
    responsesUsage(facts, object(body['usage']));
    return facts;
  },
};

type Events = readonly { readonly name: string; readonly json: JsonObject }[];

const streamReaders: Readonly<Partial<Record<Format, (events: Events) => Facts>>> = {
  anthropic(events) {
    const blocks: JsonObject[] = [];
    let head: JsonObject = {};
    let usage: JsonObject = {};
    for (const { json } of events) {
      const at = num(json['index']);
      const delta = object(json['delta']);
      if (json['type'] === 'message_start') usage = { ...object(object(json['message'])['usage']) };
      if (json['type'] === 'content_block_start') blocks[at] = { ...object(json['content_block']), input: '' };
      const block = blocks[at];
      if (json['type'] === 'content_block_delta' && block !== undefined) {
        if (delta['type'] === 'text_delta') block['text'] = str(block['text']) + str(delta['text']);
        if (delta['type'] === 'thinking_delta') block['thinking'] = str(block['thinking']) + str(delta['thinking']);
        if (delta['type'] === 'input_json_delta') block['input'] = str(block['input']) + str(delta['partial_json']);
      }
      if (json['type'] === 'message_delta') {
        head = { ...head, ...delta };
        for (const [name, value] of Object.entries(object(json['usage']))) if (value !== null) usage[name] = value;
      }
    }
    const content = blocks.map((block) => ({ ...block, input: parsed(block['input'] ?? '') }));
    return readers.anthropic({ ...head, usage, content });
  },
  gemini(events) {
    const facts = nothing();
    let last: JsonObject = {};
    for (const { json } of events) {
      addCandidate(facts, json);
      last = {
        ...last,
        ...json,
        candidates:
          object(objects(json['candidates'])[0])['finishReason'] === undefined
            ? (last['candidates'] ?? [])
            : json['candidates']!,
      };
    }
    return geminiFinish(facts, last);
  },
  bedrock(events) {
    const facts = nothing();
    const inputs = new Map<number, string>();
    const names = new Map<number, string>();
    for (const { name, json } of events) {
      const at = num(json['contentBlockIndex']);
      const use = object(object(json['start'])['toolUse']);
      if (name === 'contentBlockStart' && use['type'] !== 'server_tool_use') names.set(at, str(use['name']));
      if (name === 'contentBlockDelta') {
        const delta = object(json['delta']);
        facts.text += str(delta['text']);
        facts.reasoning += str(object(delta['reasoningContent'])['text']);
        if (isObject(delta['toolUse'])) inputs.set(at, (inputs.get(at) ?? '') + str(delta['toolUse']['input']));
      }
      if (name === 'messageStop') facts.finish = bedrockFinish(str(json['stopReason']));
      if (name === 'metadata') bedrockUsage(facts, object(json['usage']));
    }
    for (const [at, name] of names)
      if (name !== '') facts.tools.push({ name, arguments: parsed(inputs.get(at) ?? '') });
    return facts;
  },
  chat(events) {
    const facts = nothing();
    const calls = new Map<number, { name: string; text: string }>();
    let finish = '';
    for (const { json } of events) {
      const choice = objects(json['choices'])[0];
      const delta = object(choice?.['delta']);
      addChatText(facts, delta);
      for (const call of objects(delta['tool_calls'])) {
        const at = num(call['index']);
        const known = calls.get(at) ?? { name: '', text: '' };
        known.name ||= str(object(call['function'])['name']);
        known.text += str(object(call['function'])['arguments']);
        calls.set(at, known);
      }
      finish = str(choice?.['finish_reason']) || finish;
      if (isObject(json['usage'])) chatUsage(facts, json['usage']);
      const groq = object(json['x_groq'])['usage'];
      if (isObject(groq)) chatUsage(facts, groq);
    }
    for (const { name, text } of calls.values()) facts.tools.push({ name, arguments: parsed(text) });
    facts.finish = chatFinish(finish, facts);
    return facts;
  },
  responses: (events) =>
    readers.responses(object(events.findLast(({ json }) => isObject(json['response']))?.json['response'])),
};

function addAnthropicBlock(facts: Facts, block: JsonObject): void {
  if (block['type'] === 'text') facts.text += str(block['text']);
  if (block['type'] === 'thinking') facts.reasoning += str(block['thinking']);
  if (block['type'] === 'tool_use') facts.tools.push({ name: str(block['name']), arguments: block['input'] ?? {} });
}

/** Anthropic counts what it read from or wrote to its cache apart from the input. */
function anthropicUsage(facts: Facts, usage: JsonObject): void {
  facts.cached = num(usage['cache_read_input_tokens']);
  facts.input = num(usage['input_tokens']) + facts.cached + num(usage['cache_creation_input_tokens']);
  facts.output = num(usage['output_tokens']);
  facts.thought = num(object(usage['output_tokens_details'])['thinking_tokens']);
}

function bedrockUsage(facts: Facts, usage: JsonObject): void {
  facts.cached = num(usage['cacheReadInputTokens']);
  facts.input = num(usage['inputTokens']) + facts.cached + num(usage['cacheWriteInputTokens']);
  facts.output = num(usage['outputTokens']);
}

function bedrockFinish(reason: string): string {
  const words: Record<string, string> = {
    tool_use: 'tool_calls',
    max_tokens: 'length',
    model_context_window_exceeded: 'length',
    guardrail_intervened: 'content_filter',
    content_filtered: 'content_filter',
  };
  return words[reason] ?? 'stop';
}

function addCandidate(facts: Facts, body: JsonObject): void {
  for (const part of objects(object(object(objects(body['candidates'])[0])['content'])['parts'])) {
    if (part['thought'] === true) facts.reasoning += str(part['text']);
    else facts.text += str(part['text']);
    const call = part['functionCall'];
    if (isObject(call)) facts.tools.push({ name: str(call['name']), arguments: call['args'] ?? {} });
  }
}

/** Google says STOP after calls too, and leaves thoughts out of the candidates' tokens. */
function geminiFinish(facts: Facts, body: JsonObject): Facts {
  const reason = str(object(objects(body['candidates'])[0])['finishReason']);
  facts.text += str(object(body['promptFeedback'])['blockReasonMessage']);
  const filtered = /SAFETY|RECITATION|BLOCKLIST|PROHIBITED_CONTENT|SPII|LANGUAGE/;
  facts.finish =
    filtered.test(reason) || reason === ''
      ? 'content_filter'
      : reason === 'MAX_TOKENS'
        ? 'length'
        : reason === 'STOP'
          ? 'stop'
          : 'failed';
  if (facts.tools.length > 0 && reason === 'STOP') facts.finish = 'tool_calls';
  const usage = object(body['usageMetadata']);
  facts.input = num(usage['promptTokenCount']) + num(usage['toolUsePromptTokenCount']);
  facts.thought = num(usage['thoughtsTokenCount']);
  facts.output = num(usage['candidatesTokenCount']) + facts.thought;
  facts.cached = num(usage['cachedContentTokenCount']);
  return facts;
}

function addChatText(facts: Facts, message: JsonObject): void {
  const { content } = message;
  if (Array.isArray(content)) {
    for (const part of objects(content)) {
      if (part['type'] === 'text') facts.text += str(part['text']);
      for (const thought of objects(part['thinking'])) facts.reasoning += str(thought['text']);
    }
  } else facts.text += str(content);
  facts.text += str(message['refusal']);
  facts.reasoning += str(message['reasoning_content']) || str(message['reasoning']);
}

function chatFinish(reason: string, facts: Facts): string {
  if (reason === 'model_length') return 'length';
  return reason === 'stop' && facts.tools.length > 0
    ? 'tool_calls'
    : reason === 'function_call'
      ? 'tool_calls'
      : reason;
}

function chatUsage(facts: Facts, usage: JsonObject): void {
  facts.input = num(usage['prompt_tokens']);
  facts.output = num(usage['completion_tokens']);
  facts.cached =
    num(object(usage['prompt_tokens_details'])['cached_tokens']) ||
    num(usage['prompt_cache_hit_tokens']) ||
    num(usage['num_cached_tokens']);
  facts.thought = num(object(usage['completion_tokens_details'])['reasoning_tokens']);
}

function responsesUsage(facts: Facts, usage: JsonObject): void {
  facts.input = num(usage['input_tokens']);
  facts.output = num(usage['output_tokens']);
  facts.cached = num(object(usage['input_tokens_details'])['cached_tokens']);
  facts.thought = num(object(usage['output_tokens_details'])['reasoning_tokens']);
}

function reasoningText(item: JsonObject): string {
  const plain = objects(item['content'])
    .map((part) => str(part['text']))
    .join('');
  return (
    plain ||
    objects(item['summary'])
      .map((part) => str(part['text']))
      .join('')
  );
}

function functionCall(call: JsonObject): { name: string; arguments: JsonValue } {
  const { name, arguments: text } = object(call['function']);
  return { name: str(name), arguments: parsed(text) };
}

function parsed(text: JsonValue | undefined): JsonValue {
  if (typeof text !== 'string') return text ?? {};
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text === '' ? {} : text;
  }
}

function objects(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function object(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function str(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function num(value: JsonValue | undefined): number {
  return typeof value === 'number' ? value : 0;
}
