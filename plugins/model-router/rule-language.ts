import type { Environment } from '@marcbachmann/cel-js';
import { callerSlot, type Exchange } from '../../plugin-sdk/index.ts';

/** What a condition may ask, by name and CEL type. */
const variables = {
  model: 'string',
  provider: 'string',
  operation: 'string',
  dialect: 'string',
  stream: 'bool',
  path: 'string',
  size: 'int',
  hour: 'int',
  headers: 'map<string, string>',
  caller: 'map<string, string>',
} as const;

let environment: Environment | undefined;

/** The language is loaded with the first rule: a gateway without rules starts sooner. */
async function loadLanguage(): Promise<Environment> {
  const { Environment } = await import('@marcbachmann/cel-js');
  const made = new Environment({ limits: { maxAstNodes: 2_000, maxDepth: 50 } });
  for (const [name, type] of Object.entries(variables)) made.registerVariable(name, type);
  return made;
}

export type Condition = (facts: Facts) => boolean;
export type Facts = Readonly<Record<keyof typeof variables, unknown>>;

/**
 * Compiles a condition in CEL: typed, without loops or side effects. Throws Error saying what is wrong with it.
 *
 * A condition that fails on a request (a header that is not there) does not hold; `onFailure` is told.
 */
export async function compileCondition(text: string, onFailure: (cause: Error) => void): Promise<Condition> {
  environment ??= await loadLanguage();
  const checked = environment.check(text);
  if (!checked.valid) throw new Error(checked.error?.message.split('\n', 1)[0] ?? 'it is not valid');
  if (checked.type !== 'bool' && checked.type !== 'dyn') throw new Error(`it gives ${checked.type}, not true or false`);
  const evaluate = environment.parse(text);
  return (facts) => {
    try {
      return evaluate(facts) === true;
    } catch (cause) {
      onFailure(cause as Error);
      return false;
    }
  };
}

/** Headers that hold credentials are not shown to conditions. */
const hidden = new Set([
  'authorization',
  'api-key',
  'x-api-key',
  'x-goog-api-key',
  'cookie',
  'x-bf-vk',
  'proxy-authorization',
  'x-bf-admin-token',
]);

/** What conditions see of an exchange; made once, for all rules. */
export function factsOf(exchange: Exchange, model: string, provider: string): Facts {
  const { request, operation, dialect, stream } = exchange;
  const headers: Record<string, string> = {};
  for (const [name, value] of request.headers.startingWith('')) if (!hidden.has(name)) headers[name] ??= value;
  const { id = '', kind = 'anonymous', name = '', team = '', customer = '' } = exchange.get(callerSlot) ?? {};
  return {
    model,
    provider,
    operation,
    dialect: dialect.id,
    stream,
    path: request.path,
    size: BigInt(request.body.size ?? 0),
    hour: BigInt(new Date(exchange.time).getUTCHours()),
    headers,
    caller: { id, kind, name, team, customer },
  };
}
