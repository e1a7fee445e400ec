import { getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Path } from './path.ts';

/** A place in the config file, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Finds the place of a path; a path that is not there gives the place of its nearest ancestor. */
export interface SourceTree {
  position(path: Path, part: 'key' | 'value'): Position | undefined;
}

export interface ParsedSource {
  readonly value: unknown;
  readonly tree: SourceTree;
  /** Syntax errors, the first of each line; when there are some, `value` is only a guess. */
  readonly syntaxErrors: readonly { readonly message: string; readonly position: Position }[];
  /** Keys written twice in one object, with the place of the second and the line of the first. */
  readonly duplicates: readonly { readonly path: Path; readonly position: Position; readonly firstLine: number }[];
}

/** Parses JSON with comments and trailing commas, remembering where everything stands. */
export function parseSource(text: string): ParsedSource {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const positionOf = positionFinder(text);
  const isEmpty = root === undefined && errors.length === 1 && errors[0]!.offset >= text.trimEnd().length;
  const seenLines = new Set<number>();
  const syntaxErrors = errors
    .map(({ error, offset }) => ({
      message: isEmpty ? 'the file is empty; expected an object' : wording(printParseErrorCode(error)),
      position: positionOf(isEmpty ? 0 : offset),
    }))
    .filter(({ position }) => !seenLines.has(position.line) && seenLines.add(position.line));

  return {
    value: root && getNodeValue(root),
    tree: {
      position(path, part) {
        const node = root && findNearest(root, path, part);
        return node && positionOf(node.offset);
      },
    },
    syntaxErrors,
    duplicates: root === undefined ? [] : [...duplicateKeys(root, [], positionOf)],
  };
}

function findNearest(root: Node, path: Path, part: 'key' | 'value'): Node {
  let node = root;
  for (const [depth, segment] of path.entries()) {
    if (typeof segment === 'number') {
      const element = node.type === 'array' ? node.children?.[segment] : undefined;
      if (element === undefined) return node;
      node = element;
      continue;
    }
    // The last one wins in the parsed value, so it is the one to point at.
    const property =
      node.type === 'object' ? node.children?.findLast((it) => it.children?.[0]?.value === segment) : undefined;
    const [key, value] = property?.children ?? [];
    if (key === undefined || value === undefined) return node;
    node = part === 'key' && depth === path.length - 1 ? key : value;
  }
  return node;
}

function* duplicateKeys(
  node: Node,
  path: Path,
  positionOf: (offset: number) => Position,
): Generator<ParsedSource['duplicates'][number]> {
  const first = new Map<string, number>();
  for (const [index, child] of (node.children ?? []).entries()) {
    if (node.type === 'array') {
      yield* duplicateKeys(child, [...path, index], positionOf);
      continue;
    }
    const [key, value] = child.children ?? [];
    if (key === undefined) continue;
    const name = String(key.value);
    const firstOffset = first.get(name);
    if (firstOffset === undefined) first.set(name, key.offset);
    else yield { path: [...path, name], position: positionOf(key.offset), firstLine: positionOf(firstOffset).line };
    if (value) yield* duplicateKeys(value, [...path, name], positionOf);
  }
}

function positionFinder(text: string): (offset: number) => Position {
  const lineStarts = [0, ...Array.from(text.matchAll(/\r\n|\r|\n/g), (match) => match.index + match[0].length)];
  return (offset) => {
    const line = lineStarts.findLastIndex((start) => start <= offset);
    return { line: line + 1, column: offset - lineStarts[line]! + 1 };
  };
}

/** The words for an error name of jsonc-parser. */
function wording(name: ReturnType<typeof printParseErrorCode>): string {
  return syntaxWords[name] ?? 'this is not valid JSON';
}

const syntaxWords: Partial<Record<ReturnType<typeof printParseErrorCode>, string>> = {
  InvalidSymbol: 'this is not a JSON value; text and keys stand in double quotes',
  InvalidNumberFormat: 'this number is not valid JSON',
  PropertyNameExpected: 'expected a key in double quotes',
  ValueExpected: 'expected a value',
  ColonExpected: 'expected a colon',
  CommaExpected: 'expected a comma',
  CloseBraceExpected: 'expected a closing }',
  CloseBracketExpected: 'expected a closing ]',
  EndOfFileExpected: 'expected nothing after the closing }',
  UnexpectedEndOfComment: 'this comment is never closed',
  UnexpectedEndOfString: 'this text has no closing quote',
  UnexpectedEndOfNumber: 'this number is not complete',
  InvalidUnicode: 'this \\u escape needs four hexadecimal digits',
  InvalidEscapeCharacter: 'this escape is not valid JSON',
  InvalidCharacter: 'a control character stands in a text; write it as an escape',
};
