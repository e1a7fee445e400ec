import { GatewayError, type Operation } from '../../plugin-sdk/index.ts';
import { endpoints } from './operations.ts';

interface Node {
  readonly fixed: Map<string, Node>;
  /** Stands for any one segment. */
  any: Node | undefined;
  /** Operation by HTTP method. */
  methods: Map<string, Operation> | undefined;
}

/** The one pattern whose segment may hold slashes: model ids are `provider/name`, and names have slashes of their own. */
const modelPath = '/models/';

const root = newNode();
/** Paths without a variable segment: found in one look-up, which nearly every call is. */
const fixedPaths = new Map<string, Map<string, Operation>>();

for (const [path, methods, operation = 'resources'] of endpoints) {
  const node = insert(path);
  node.methods ??= new Map();
  for (const method of methods.split(' ')) node.methods.set(method, operation);
  if (!path.includes('{')) fixedPaths.set(path, node.methods);
}

/** The operation behind a method and path; undefined when there is no such path. Throws GatewayError REQ_METHOD. */
export function matchEndpoint(method: string, path: string): Operation | undefined {
  const methods = fixedPaths.get(path) ?? search(root, path.split('/'), 1) ?? modelMethods(path);
  if (methods === undefined) return undefined;
  // HEAD is GET without the body.
  const operation = methods.get(method === 'HEAD' ? 'GET' : method);
  if (operation === undefined)
    throw new GatewayError('REQ_METHOD', { method, path, allowed: [...methods.keys()].join(' or ') });
  return operation;
}

/** True when some method is served there. */
export function isEndpoint(path: string): boolean {
  return fixedPaths.has(path) || search(root, path.split('/'), 1) !== undefined;
}

/** A fixed segment is preferred; where it leads nowhere, the variable one is tried. */
function search(node: Node, segments: readonly string[], at: number): Node['methods'] {
  if (at === segments.length) return node.methods;
  const fixed = node.fixed.get(segments[at]!);
  const found = fixed === undefined ? undefined : search(fixed, segments, at + 1);
  return found ?? (node.any === undefined || segments[at] === '' ? undefined : search(node.any, segments, at + 1));
}

function modelMethods(path: string): Node['methods'] {
  return path.startsWith(modelPath) && !path.endsWith('/') ? search(root, ['', 'models', 'name'], 1) : undefined;
}

function insert(path: string): Node {
  let node = root;
  for (const segment of path.split('/').slice(1)) {
    if (segment.startsWith('{')) node = node.any ??= newNode();
    else {
      const next = node.fixed.get(segment) ?? newNode();
      node.fixed.set(segment, next);
      node = next;
    }
  }
  return node;
}

function newNode(): Node {
  return { fixed: new Map(), any: undefined, methods: undefined };
}
