import type { Exchange } from '../../exchange.ts';
import type { OutgoingHeaders } from '../../headers.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { BodyEditor } from '../../provider.ts';

/** Beta features of Claude's at a host besides Anthropic: the client's name to the host's, or false for those it lacks. */
export type HostedBetas = Readonly<Record<string, string | false>>;

/** What a client says of itself by a beta: nothing is lost without them. */
const saysNothing = /^(?:claude-code|oauth)-/;

/** Members that belong to a beta, by a sign in the bytes: bodies are parsed for them only where one of these stands. */
const paired = [
  { beta: 'prompt-caching-scope-2026-01-05', sign: '"scope"', member: 'cache_control.scope' },
  { beta: 'fine-grained-tool-streaming-2025-05-14', sign: '"eager_input_streaming"', member: 'eager_input_streaming' },
  { beta: 'fast-mode-2026-02-01', sign: '"speed"', member: 'speed' },
  { beta: 'mcp-client-2025-11-20', sign: '"mcp_servers"', member: 'mcp_servers' },
] as const;

type Paired = (typeof paired)[number];
type Member = Paired['member'];

/**
 * Claude as another cloud serves it: some beta features, partly under other names. It answers 400 to a name that it does not
 * know ("Unexpected value(s) for the `anthropic-beta` header") and to members whose beta it lacks ("Extra inputs are not
 * permitted"), while agents such as Claude Code send all that Anthropic has.
 */
export class HostedClaude {
  readonly #betas: HostedBetas;
  readonly #lacking: readonly Paired[];

  constructor(betas: HostedBetas) {
    this.#betas = betas;
    this.#lacking = paired.filter(({ beta }) => !betas[beta]);
  }

  /** The betas that the client asks for and the host has, in the host's names. */
  betas(exchange: Exchange): string[] {
    return [...new Set(askedFor(exchange).flatMap((name) => this.#betas[name] || []))];
  }

  /** The same as a header. */
  header(exchange: Exchange): OutgoingHeaders {
    const names = this.betas(exchange);
    return names.length === 0 ? [] : ['anthropic-beta', names.join(',')];
  }

  /** Takes from a body what the host lacks, and names it as lost with the betas that the client asked for in vain. */
  fit(exchange: Exchange, body: BodyEditor): void {
    for (const name of askedFor(exchange))
      if (!this.#betas[name] && !saysNothing.test(name)) body.lost(`anthropic-beta: ${name}`);
    const { body: sent } = exchange.request;
    const lacking = this.#lacking.filter(({ sign }) => sent.kind === 'bytes' && sent.pieces.mention([sign]));
    if (lacking.length === 0) return;
    const { fitted, found } = without(body.json(), membersOf(lacking));
    if (found.size > 0) body.replace(fitted);
    for (const member of found) body.lost(member);
  }

  /** A body that the gateway wrote, without what the host lacks. */
  fitted(body: JsonObject): JsonObject {
    return without(body, membersOf(this.#lacking)).fitted;
  }
}

function membersOf(lacking: readonly Paired[]): Set<Member> {
  return new Set(lacking.map(({ member }) => member));
}

function askedFor({ request }: Exchange): string[] {
  const asked = request.headers.get('anthropic-beta');
  return asked === undefined ? [] : asked.split(',').flatMap((name) => name.trim() || []);
}

/** The body without these members wherever a request has them, and which of them it had. */
function without(body: JsonObject, members: ReadonlySet<Member>) {
  const found = new Set<Member>();
  const drop = (object: JsonObject, name: string, member: Member): JsonObject => {
    if (!members.has(member) || object[name] === undefined) return object;
    found.add(member);
    const { [name]: _, ...rest } = object;
    return rest;
  };
  const unscoped = (value: JsonValue): JsonValue => {
    if (!isObject(value)) return value;
    const { cache_control: cache, content } = value;
    const marked = isObject(cache) ? { ...value, cache_control: drop(cache, 'scope', 'cache_control.scope') } : value;
    return Array.isArray(content) ? { ...marked, content: content.map(unscoped) } : marked;
  };
  const fitted = { ...drop(drop(body, 'speed', 'speed'), 'mcp_servers', 'mcp_servers') };
  for (const name of ['system', 'messages', 'tools']) {
    const list = fitted[name];
    if (Array.isArray(list)) fitted[name] = list.map(unscoped);
  }
  const { tools } = fitted;
  if (Array.isArray(tools))
    fitted['tools'] = tools.map((tool) =>
      isObject(tool) ? drop(tool, 'eager_input_streaming', 'eager_input_streaming') : tool,
    );
  return { fitted: unscoped(fitted) as JsonObject, found };
}
