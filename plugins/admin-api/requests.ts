import type { Context } from 'hono';
import type { z } from 'zod';
import { GatewayError, isObject, type JsonObject } from '../../plugin-sdk/index.ts';
import type { Expected } from '../../plugin-sdk/ports/entities.ts';

const maxBodyBytes = 1_048_576;

/** Thrown for a request that does not fit its schema; every problem has its path. */
export class InvalidRequest extends Error {
  readonly problems: readonly { readonly path: string; readonly message: string }[];

  constructor(problems: readonly { readonly path: string; readonly message: string }[]) {
    super(problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; '));
    this.problems = problems;
  }

  /** The OpenAI error shape, with all problems beside the first. */
  get response(): Response {
    const first = this.problems[0]?.path;
    const error = {
      message: this.message,
      type: 'invalid_request_error',
      param: first === undefined || first === '' ? null : first,
      code: 'invalid_request',
      details: this.problems,
    };
    return Response.json({ error }, { status: 400 });
  }
}

/** The body as a JSON object; an empty one counts as `{}`. Throws GatewayError REQ_INVALID (413), REQ_BODY_NOT_JSON. */
export async function readBody({ req }: Context): Promise<JsonObject> {
  // No option raises this limit, as the advice of REQ_TOO_LARGE would have it.
  if (Number(req.header('content-length') ?? 0) > maxBodyBytes) {
    const reason = `The body is larger than the ${maxBodyBytes} bytes that this endpoint takes; send fewer entries at once.`;
    throw new GatewayError('REQ_INVALID', { reason }, { status: 413 });
  }
  const text = await req.text();
  if (text === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new GatewayError('REQ_BODY_NOT_JSON', { reason: (cause as Error).message });
  }
  if (!isObject(value)) throw new GatewayError('REQ_BODY_NOT_JSON', { reason: 'it must be a JSON object' });
  return value;
}

/** What all of these give. Throws {@link InvalidRequest} with the problems of all. */
export function parseAll<A, B>(first: () => A, second: () => B): [A, B] {
  const problems: InvalidRequest['problems'][number][] = [];
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (cause) {
      if (!(cause instanceof InvalidRequest)) throw cause;
      problems.push(...cause.problems);
      return undefined;
    }
  };
  const found = [attempt(first), attempt(second)];
  if (problems.length > 0) throw new InvalidRequest(problems);
  return found as [A, B];
}

/** The value as the schema makes it. Throws {@link InvalidRequest}. */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new InvalidRequest(
    result.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({ path: pathText([...issue.path, key]), message: 'there is no such member' }))
        : [{ path: pathText(issue.path), message: issue.message }],
    ),
  );
}

/** What `if-match` and `if-none-match: *` say. Throws GatewayError STORE_CONFLICT for a tag that we never gave. */
export function expectedOf({ req }: Context, noun: string): Expected {
  const match = req.header('if-match')?.trim();
  if (match === undefined || match === '*') return req.header('if-none-match')?.trim() === '*' ? 'absent' : undefined;
  const version = /^(?:W\/)?"(\d{1,15})"$/.exec(match)?.[1];
  if (version === undefined) throw new GatewayError('STORE_CONFLICT', { entity: noun });
  return Number(version);
}

/** `providers[0].budgets[1].limit` */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i === 0 ? '' : '.'}${String(step)}`))
    .join('');
}
