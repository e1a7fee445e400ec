/**
 * What the types of the SDK must refuse. Nothing here runs: `tsc -p .` reports an `@ts-expect-error` whose line is no
 * error, so each is a test that such a plugin does not compile.
 */
import { z } from 'zod';
import type { KnownDialectId } from '../../plugin-sdk/dialects/dialect.ts';
import { openaiChat } from '../../plugin-sdk/dialects/openai-chat/index.ts';
import {
  type Attempt,
  bind,
  type Dialect,
  defineOpenAICompatible,
  definePlugin,
  definePort,
  defineProvider,
  defineRoute,
  defineSlot,
  type Exchange,
  GatewayError,
  type HookName,
  hookNames,
  type JsonReply,
  jsonReply,
  type Key,
  type PluginDefinition,
  type PluginHooks,
  type Reply,
  type RoutedExchange,
  Secret,
  type StreamTransform,
} from '../../plugin-sdk/index.ts';

declare const exchange: Exchange;
declare const routed: RoutedExchange;
declare const attempt: Attempt;
declare const reply: Reply;

// Hooks: every one as it should be.
export const whole: PluginHooks = {
  preRoute: (given) => (given.model === undefined ? undefined : jsonReply({ model: given.model })),
  transformRequest: async (request) => request.with({ path: '/elsewhere' }),
  selectKey: { order: 'pre', handler: ({ target }) => ({ name: target.provider, value: undefined, settings: {} }) },
  execute: ({ key }) => jsonReply({ key: key.name }),
  transformResponse: {
    json: (given) => ({ ...given, status: 201 }),
    stream: () => ({ event: (event, emit) => emit(event) }),
  },
  postLog: (given, outcome) => given.log.info({ status: outcome.status }),
};
export const names: readonly HookName[] = hookNames;

// @ts-expect-error: there is no such hook
export const unknownHook: PluginHooks = { preRout: () => undefined };

// @ts-expect-error: a hook is a function, or one with an order
export const noFunction: PluginHooks = { preRoute: 'nonsense' };

// @ts-expect-error: there is no such order
export const unknownOrder: PluginHooks = { preRoute: { order: 'first', handler: () => undefined } };

// @ts-expect-error: preRoute answers with a reply
export const noReply: PluginHooks = { preRoute: () => ({ status: 200 }) };

// @ts-expect-error: a reply's body is of a known type
export const unknownBody: PluginHooks = { execute: () => ({ ...reply, body: { type: 'json', json: {} } }) };

// @ts-expect-error: half a key
export const halfKey: PluginHooks = { selectKey: () => ({ name: 'main' }) };

// @ts-expect-error: a key's value is a Secret, not text
export const bareKey: PluginHooks = { selectKey: () => ({ name: 'main', value: 'sk-1', settings: {} }) };

// @ts-expect-error: transformRequest gives a request
export const noRequest: PluginHooks = { transformRequest: (request) => request.body };

// @ts-expect-error: a guard that covers whole replies and forgets streams
export const jsonOnly: PluginHooks = { transformResponse: { json: () => undefined } };

// @ts-expect-error: and the other way round
export const streamOnly: PluginHooks = { transformResponse: { stream: () => undefined } };

export const lateStream: PluginHooks = {
  // @ts-expect-error: stream transforms are made and run synchronously
  transformResponse: { json: () => undefined, stream: async () => ({ event() {} }) },
};

// @ts-expect-error: there is no such event
export const unknownEvent: StreamTransform = { event: (_event, emit) => emit({ type: 'txt', text: '' }) };

// Exchanges: what is not known yet may not be there.
// @ts-expect-error: before routing there may be no targets
export const early = exchange.targets[0];
export const late: string | undefined = routed.targets[0]?.provider;
// @ts-expect-error: a list may be empty
export const first: string = routed.targets[0].provider;
// @ts-expect-error: a call may name no model
export const model: string = exchange.model;
// @ts-expect-error: an attempt has no key before one was chosen
export const key: Key = attempt.key;
// @ts-expect-error: a request is a value; a change gives a new one
exchange.request.path = '/elsewhere';
// @ts-expect-error: targets are set as a whole
routed.targets.push({ provider: 'p', model: 'm' });
// @ts-expect-error: a target names its model
exchange.setTargets([{ provider: 'p' }]);

// Slots: typed, and perhaps empty.
const count = defineSlot<number>('count');
exchange.set(count, 1);
export const counted: number | undefined = exchange.get(count);
// @ts-expect-error: another type
exchange.set(count, 'one');
// @ts-expect-error: the owner may not be loaded
export const certain: number = exchange.get(count);

// Errors: the fields that a message needs, all of them, spelt right.
export const limited = new GatewayError('REQ_TOO_LARGE', { limit: 1 });
// @ts-expect-error: a field is missing
export const missing = new GatewayError('REQ_METHOD', { method: 'GET', path: '/' });
// @ts-expect-error: a field is misspelt
export const misspelt = new GatewayError('REQ_TOO_LARGE', { limits: 1 });
// @ts-expect-error: the hint has fields too
export const withoutHint = new GatewayError('ROUTE_NO_KEY', { provider: 'p', model: 'm', reason: 'r' });
// @ts-expect-error: there is no such code
export const unknownCode = new GatewayError('REQ_TO_LARGE', { limit: 1 });
// @ts-expect-error: there is no such retry rule
export const unknownRule = new GatewayError('CLIENT_GONE', {}, { retry: 'always' });

// Secrets: no way to the value but Secret.reveal.
const secret = new Secret('sk-1');
export const shown: string = Secret.reveal(secret);
// @ts-expect-error: a secret is no text
export const text: string = secret;
// @ts-expect-error: its value is private
export const value = secret.value;

// Options: as the schema gives them.
export const typed = definePlugin({
  name: 'typed',
  options: z.strictObject({ limit: z.number().default(1) }),
  setup: ({ limit }) => {
    const doubled: number = limit * 2;
    return { hooks: { preRoute: (given) => given.setReplyHeader('x-limit', String(doubled)) } };
  },
});

export const misread = definePlugin({
  name: 'misread',
  options: z.strictObject({ limit: z.number() }),
  // @ts-expect-error: there is no such option
  setup: ({ limits }) => ({ hooks: { preRoute: () => void limits } }),
});

// @ts-expect-error: a plugin declares its options
export const undeclared: PluginDefinition = { name: 'undeclared', setup: () => ({}) };

export const unnamed = definePlugin({
  name: 'unnamed',
  options: z.strictObject({}),
  // @ts-expect-error: setup gives nothing that is not a plugin's
  setup: () => ({ hook: {} }),
});

// Ports: an implementation does what its port says.
const clock = definePort<{ now(): number }>('clock');
export const bound = bind(clock, { now: () => 1 });
// @ts-expect-error: another interface
export const misbound = bind(clock, { now: () => 'noon' });

// Providers and routes.
export const provider = defineProvider({
  name: 'providers/mine',
  options: { region: z.string() },
  provider: ({ baseUrl, region }) => ({
    speaks: { chat: [openaiChat] },
    endpoint: (call) => ({ origin: baseUrl, path: `/${region}${call.path}`, headers: [] }),
  }),
});

export const speechless = defineProvider({
  name: 'providers/speechless',
  // @ts-expect-error: a provider says what it speaks
  provider: ({ baseUrl }) => ({ endpoint: () => ({ origin: baseUrl, path: '/', headers: [] }) }),
});

export const unknownOperation = defineProvider({
  name: 'providers/odd',
  provider: ({ baseUrl }) => ({
    // @ts-expect-error: there is no such operation
    speaks: { chats: [openaiChat] },
    endpoint: () => ({ origin: baseUrl, path: '/', headers: [] }),
  }),
});

export const compatible = defineOpenAICompatible({
  name: 'providers/theirs',
  // @ts-expect-error: a list of variables
  environment: 'THEIR_KEY',
});

// Dialects: a plugin may bring a wire format of its own.
export const ownDialect: Dialect = { ...openaiChat, id: 'own.chat' };
export const ownFormat = defineProvider({
  name: 'providers/own-format',
  provider: ({ baseUrl }) => ({
    speaks: { chat: [ownDialect] },
    endpoint: (call) => ({ origin: baseUrl, path: call.path, headers: [] }),
  }),
});
// @ts-expect-error: how streams are cut into events is not a plugin's to invent
export const ownFraming: Dialect = { ...openaiChat, framing: 'own' };
// @ts-expect-error: where the gateway names a format of its own, it is spelt right
export const misspeltFormat: KnownDialectId = 'openai.chta';

export const unguarded = defineRoute({
  name: 'routes/unguarded',
  routes: () => [
    // @ts-expect-error: an endpoint of the gateway's own says who may call it
    { type: 'handler', method: 'GET', path: '/open', handler: () => new Response() },
  ],
});

export const silent: JsonReply = {
  status: 200,
  origin: 'gateway',
  // @ts-expect-error: a JSON reply is an object
  json: 'text',
};
