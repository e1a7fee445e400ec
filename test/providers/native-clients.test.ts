import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import type { Block } from '../../plugin-sdk/conversation/index.ts';
import type { Dialect } from '../../plugin-sdk/dialects/dialect.ts';
import { anthropicMessages, geminiGenerateContent } from '../../plugin-sdk/dialects/index.ts';
import type { JsonObject } from '../../plugin-sdk/json.ts';
import { recordedProviders, recordingsMissing } from '../recordings.ts';
import { type Facts, factsOf } from './native-facts.ts';
import { type Case, failureIn, foreign, json, recordedCases, replayed } from './recorded-cases.ts';
import { type ReplayGateway, replayGateway } from './replay-gateway.ts';

interface NativeClient {
  readonly name: string;
  /** What an answer ends with that its provider calls broken. */
  readonly broken: string;
  /** Recordings that it cannot ask for. */
  readonly leftOut: readonly string[];
  ask(one: Case): Promise<Facts>;
}

let gateway: ReplayGateway;

before(async () => {
  if (recordingsMissing === false) gateway = await replayGateway('routes/anthropic', 'routes/genai');
});

after(() => gateway?.close());

const messages: NativeClient = {
  name: 'Messages',
  broken: 'length',
  leftOut: [],
  async ask(one) {
    const client = new Anthropic({ baseURL: `${gateway.url}/anthropic`, apiKey: 'sk-of-the-client', maxRetries: 0 });
    const body = asked(one, anthropicMessages) as never;
    const whole = one.streamed
      ? await client.messages.stream(body).finalMessage()
      : // The SDK refuses to wait for long answers unless it is told for how long.
        await client.messages.create(body, { timeout: 60_000 });
    return factsOf('anthropic', json(whole));
  },
};

const generateContent: NativeClient = {
  name: 'generateContent',
  broken: 'failed',
  leftOut: [
    // Made by hand: "complete" is no status of OpenAI's.
    'test_openai_previous_response_id_auto_mode',
    'test_openai_responses_verbosity',
    // Its history has the result of a call that OpenAI made by itself.
    'test_tool_availability_portability_matrix[R5-T3-native-search]',
  ],
  async ask(one) {
    const client = new GoogleGenAI({ apiKey: 'of-the-client', httpOptions: { baseUrl: `${gateway.url}/genai` } });
    const { contents, generationConfig = {}, ...rest } = asked(one, geminiGenerateContent);
    const call = { model: nameOf(one), contents, config: { ...(generationConfig as object), ...rest } } as never;
    if (!one.streamed) return factsOf('gemini', json(await client.models.generateContent(call)));
    const parts: unknown[] = [];
    let last: JsonObject = {};
    for await (const event of await client.models.generateContentStream(call)) {
      parts.push(...(event.candidates?.[0]?.content?.parts ?? []));
      const { candidates, ...more } = json(event);
      last = { ...last, ...more, ...(candidates === undefined ? {} : { candidates }) };
    }
    const [final] = last['candidates'] as JsonObject[];
    return factsOf('gemini', json({ ...last, candidates: [{ ...final, content: { parts } }] }));
  },
};

for (const client of [messages, generateContent]) {
  test(`gives every recorded chat to clients of ${client.name} as its provider meant it`, {
    skip: recordingsMissing,
    timeout: 300_000,
  }, async (t) => {
    const failures: string[] = [];
    for (const provider of recordedProviders()) {
      const cases = recordedCases(provider).filter(
        (one) =>
          (one.format !== 'responses' || isTold(one)) && !client.leftOut.some((name) => one.name.includes(`${name}.`)),
      );
      let equal = 0;
      for (const one of cases) {
        const difference = await differenceOf(one, client);
        if (difference === undefined) equal += 1;
        else failures.push(`${one.name}: ${difference}`);
      }
      const streams = cases.filter(({ streamed }) => streamed).length;
      if (cases.length > 0)
        t.diagnostic(`${provider.padEnd(12)} checked ${cases.length} (${streams} streams), equal ${equal}`);
    }
    assert.deepEqual(failures, []);
  });
}

async function differenceOf(one: Case, client: NativeClient): Promise<string | undefined> {
  gateway.upstream.always(replayed(one));
  const failure = failureIn(one);
  try {
    const actual = await client.ask(one);
    assert.deepEqual(comparable(actual), comparable(expected(one, client)));
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    if (failure !== undefined && message.includes(failure)) return undefined;
    return message.replace(/^Expected values.*?\n/, '').slice(0, 700);
  }
}

/** The recorded request as this format words it. */
function asked(one: Case, dialect: Dialect): JsonObject {
  const { previousId: _, ...said } = foreign(one.conversation, isPublic);
  const conversation = { ...said, choices: 1 };
  const context = { model: nameOf(one), stream: one.streamed, capabilities: { flavour: 'vertex' }, lost: () => {} };
  const body = dialect.chat!.encodeRequest(conversation, context);
  return dialect === anthropicMessages ? { ...body, model: nameOf(one), stream: one.streamed } : body;
}

/** Addresses in a vendor's own storage are for its own clients. */
function isPublic(block: Block): boolean {
  return !('source' in block) || block.source.kind !== 'url' || /^https?:/.test(block.source.url);
}

/** Google was also recorded through its own imitation of OpenAI's format, and OpenAI in a format that it is no longer told. */
function nameOf(one: Case): string {
  const isElsewhere = one.format === 'chat' && (one.provider === 'gemini' || isTold(one));
  return `${isElsewhere ? 'chat-only' : one.provider}/${one.model}`;
}

/** Chats of other formats go to these as calls of the Responses API. */
function isTold({ provider, model }: Case): boolean {
  return (provider === 'openai' || provider === 'azure') && /^(o\d|gpt-5(?!-chat))/.test(model);
}

/** What a provider says in OpenAI's format as text between tags is thinking elsewhere. */
function expected({ expected: facts }: Case, { broken }: NativeClient): Facts {
  const finish = facts.finish === 'failed' ? broken : facts.finish;
  const [, reasoning, text] = /^<think>\n(.*?)\n<\/think>\n*(.*)$/s.exec(facts.text) ?? [];
  return { ...facts, finish, ...(reasoning !== undefined && text !== undefined ? { reasoning, text } : {}) };
}

/** Parts of a summary are set apart where a format has one text for them. */
function comparable(facts: Facts): Facts {
  return { ...facts, reasoning: facts.reasoning.replace(/\s+/g, '') };
}
