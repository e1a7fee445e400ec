import { AsyncParallelHook, AsyncSeriesBailHook, AsyncSeriesWaterfallHook } from 'tapable';
import type {
  Attempt,
  GatewayRequest,
  HookSignatures,
  JsonReply,
  Key,
  KeyedAttempt,
  MaybePromise,
  Outcome,
  Reply,
  StreamTransform,
} from '../plugin-sdk/index.ts';
import type { LiveExchange } from './exchange.ts';

/**
 * The hooks of one generation. Made once per loaded config: tapable compiles each on its first call. Every hook takes
 * (value, exchange), so that one adapter serves all. Plugins never see these objects.
 */
export interface Hooks {
  readonly preRoute: AsyncSeriesBailHook<[LiveExchange, LiveExchange], Reply | undefined>;
  readonly transformRequest: AsyncSeriesWaterfallHook<[GatewayRequest, LiveExchange], GatewayRequest | undefined>;
  readonly selectKey: AsyncSeriesBailHook<[Attempt, LiveExchange], Key | undefined>;
  readonly execute: AsyncSeriesBailHook<[KeyedAttempt, LiveExchange], Reply | undefined>;
  readonly transformJson: AsyncSeriesWaterfallHook<[JsonReply, LiveExchange], JsonReply | undefined>;
  /** Not a tapable hook: each is called once per streamed reply and gives a synchronous function per event. */
  readonly transformStream: { readonly plugin: string; readonly factory: StreamFactory }[];
  /** Called once per whole reply, before its head is written. */
  readonly transformUsage: { readonly plugin: string; readonly face: UsageFace }[];
  readonly postLog: AsyncParallelHook<[Outcome, LiveExchange]>;
}

export type StreamFactory = (exchange: LiveExchange) => StreamTransform | undefined;
export type ResponseFaces = HookSignatures['transformResponse'];
export type UsageFace = NonNullable<ResponseFaces['usage']>;

export function createHooks(): Hooks {
  return {
    preRoute: new AsyncSeriesBailHook(['value', 'exchange'], 'preRoute'),
    transformRequest: new AsyncSeriesWaterfallHook(['value', 'exchange'], 'transformRequest'),
    selectKey: new AsyncSeriesBailHook(['value', 'exchange'], 'selectKey'),
    execute: new AsyncSeriesBailHook(['value', 'exchange'], 'execute'),
    transformJson: new AsyncSeriesWaterfallHook(['value', 'exchange'], 'transformJson'),
    transformStream: [],
    transformUsage: [],
    postLog: new AsyncParallelHook(['value', 'exchange'], 'postLog'),
  };
}

interface Callable<V, R> {
  isUsed(): boolean;
  callAsync(value: V, exchange: LiveExchange, done: (error: Error | null | false, result: R) => void): void;
}

/**
 * Runs a hook. Gives its result at once when every handler was synchronous, a promise only when one really waited:
 * awaiting a tapable promise on each hook costs more than all handlers together.
 */
export function run<V, R>(hook: Callable<V, R>, value: V, exchange: LiveExchange): MaybePromise<R | undefined> {
  if (!hook.isUsed()) return undefined;
  let settled = false;
  let failure: Error | null | false | undefined;
  let result: R | undefined;
  let resolve: ((value: R | undefined) => void) | undefined;
  let reject: ((error: Error) => void) | undefined;
  hook.callAsync(value, exchange, (error, answer) => {
    if (resolve !== undefined && reject !== undefined) {
      if (error) reject(error);
      else resolve(answer);
      return;
    }
    settled = true;
    failure = error;
    result = answer;
  });
  if (settled) {
    if (failure) throw failure;
    return result;
  }
  return new Promise((onAnswer, onFailure) => {
    resolve = onAnswer;
    reject = onFailure;
  });
}
