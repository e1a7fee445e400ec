import { GatewayError } from '../../plugin-sdk/errors.ts';
import { formatPath, isWithin, type Path, pathKey } from './path.ts';
import type { Origin, ResolvedReferences } from './references.ts';
import type { Position, SourceTree } from './source-tree.ts';
import { valueWord } from './wording.ts';

export interface Problem {
  /** As it is in the file. */
  readonly path: Path;
  readonly position: Position | undefined;
  readonly message: string;
  /** What stands there, in words that never hold a secret. */
  readonly got: string | undefined;
  /** What was probably meant. */
  readonly suggestion: string | undefined;
}

export interface ProblemDetails {
  /** The wrong value. Left out of the message when the member is absent. */
  readonly got?: unknown;
  readonly suggestion?: string | undefined;
  /** Whether the name of the member is wrong or its value, the default. */
  readonly part?: 'key' | 'value';
}

/**
 * Everything found wrong with one config, to be reported at once.
 *
 * A value that came from a reference shows as `[from env.NAME]`, also when a schema's own message quotes it; a text
 * or number under a name that sounds secret shows as `[hidden]`.
 */
export class Problems {
  readonly source: string;
  readonly #tree: SourceTree | undefined;
  readonly #references: ResolvedReferences | undefined;
  readonly #unresolved = new Set<string>();
  readonly #found = new Map<string, Problem>();
  readonly #warnings = new Map<string, Problem>();

  /** @param source Name of the file to print. */
  constructor(source: string, tree?: SourceTree, references?: ResolvedReferences) {
    this.source = source;
    this.#tree = tree;
    this.#references = references;
    for (const { path, message } of references?.failures ?? []) {
      this.add(path, message);
      this.#unresolved.add(pathKey(path));
    }
  }

  get count(): number {
    return this.#found.size;
  }

  /** In the order of the file where places are known, else as found. */
  get list(): readonly Problem[] {
    return inOrder(this.#found);
  }

  /** What may be meant as it is, as text of one line each, in the same order. */
  get warnings(): readonly string[] {
    return inOrder(this.#warnings).map(renderProblem);
  }

  /** @param path In the config after references were replaced. */
  add(path: Path, message: string, details: ProblemDetails = {}): void {
    // What a schema says about the text of an unresolved reference is no news.
    if (this.#unresolved.has(pathKey(path))) return;
    keep(this.#found, this.#problem(path, message, details));
  }

  /** Adds what {@link throwIfAny} does not throw for; shown as {@link add} shows it. */
  warn(path: Path, message: string, details: ProblemDetails = {}): void {
    keep(this.#warnings, this.#problem(path, message, details));
  }

  #problem(path: Path, message: string, details: ProblemDetails): Problem {
    const inFile = this.#references?.sourcePath(path) ?? path;
    return {
      path: inFile,
      position: this.#tree?.position(inFile, details.part ?? 'value'),
      message: this.#redact(path, message),
      got: details.got === undefined ? undefined : this.#show(path, details.got),
      suggestion: details.suggestion,
    };
  }

  /** Adds a problem whose path and place in the file are known. */
  addInFile(path: Path, message: string, position: Position): void {
    keep(this.#found, { path, position, message, got: undefined, suggestion: undefined });
  }

  /** Whether the value at a path, or one inside or around it, came from a reference. */
  touchesReference(path: Path): boolean {
    return this.#originsAround(path).length > 0;
  }

  /** All problems as text for people, one a line below a heading. */
  render(): string {
    const heading = `${this.source} has ${this.count} ${this.count === 1 ? 'problem' : 'problems'}`;
    return [heading, ...this.list.map((problem) => `  ✖ ${renderProblem(problem)}`)].join('\n');
  }

  /** @throws GatewayError CFG_INVALID with the text of {@link render} when anything was found. */
  throwIfAny(): void {
    if (this.count > 0) throw new GatewayError('CFG_INVALID', { report: this.render() });
  }

  #show(path: Path, got: unknown): string {
    const key = pathKey(path);
    const [origin] = this.#originsAround(path).filter(([originKey]) => isWithin(key, originKey));
    if (origin) return `[from ${origin[1].label}]`;
    return mayBeSecret(path, got) ? '[hidden]' : valueWord(got);
  }

  #redact(path: Path, text: string): string {
    let redacted = text;
    // A schema may quote one member in a message about another, so all of the plugin's count.
    for (const [, { label, value }] of this.#originsAround(path.slice(0, 2))) {
      // A shorter text is no secret, and would be found in any message by chance.
      if (value.length >= 4) redacted = redacted.replaceAll(value, `[from ${label}]`);
    }
    return redacted;
  }

  #originsAround(path: Path): [key: string, origin: Origin][] {
    const key = pathKey(path);
    const all = [...(this.#references?.origins ?? [])];
    return all.filter(([originKey]) => isWithin(originKey, key) || isWithin(key, originKey));
  }
}

function keep(problems: Map<string, Problem>, problem: Problem): void {
  const place = problem.position === undefined ? '' : `${problem.position.line}:${problem.position.column}`;
  problems.set(`${place} ${pathKey(problem.path)} ${problem.message}`, problem);
}

function inOrder(problems: ReadonlyMap<string, Problem>): Problem[] {
  const start = { line: 0, column: 0 };
  return [...problems.values()].sort(({ position: a = start }, { position: b = start }) =>
    a.line === b.line ? a.column - b.column : a.line - b.line,
  );
}

function renderProblem({ path, position, message, got, suggestion }: Problem): string {
  const place = position === undefined ? '' : `${position.line}:${position.column} `;
  const subject = path.length === 0 ? '' : `${formatPath(path)}: `;
  const value = got === undefined ? '' : `, got ${got}`;
  const advice = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
  return `${place}${subject}${message}${value}${advice}`;
}

/** What is written into the file itself may be a credential too; its member's name tells. `tokens` may be a count. */
function mayBeSecret(path: Path, got: unknown): boolean {
  const name = String(path.findLast((segment) => typeof segment === 'string') ?? '');
  if (typeof got === 'number') return /^value$|(key|token|secret|password)$/i.test(name);
  return (
    typeof got === 'string' && /^(value|authorization|cookie)$|(key|token|secret|password|credential)s?$/i.test(name)
  );
}
