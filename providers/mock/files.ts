import { GatewayError, type GatewayRequest, type JsonObject } from '../../plugin-sdk/index.ts';
import { type Form, textField } from './form.ts';

interface StoredFile {
  readonly id: string;
  readonly name: string;
  readonly purpose: string;
  readonly bytes: Buffer;
  /** Unix seconds. */
  readonly created: number;
}

const maxFiles = 1_000;

/** Files in memory: gone with the process, the oldest first when there are too many. */
export class FileStore {
  readonly #files = new Map<string, StoredFile>();
  #count = 0;

  add(name: string, purpose: string, bytes: Buffer, created: number): StoredFile {
    this.#count += 1;
    const file = { id: `file-mock${this.#count}`, name, purpose, bytes, created };
    this.#files.set(file.id, file);
    if (this.#files.size > maxFiles) this.#files.delete(this.#files.keys().next().value as string);
    return file;
  }

  /** Throws GatewayError REQ_INVALID with status 404. */
  get(id: string): StoredFile {
    const file = this.#files.get(id);
    if (file === undefined) throw notFound('file', id);
    return file;
  }

  delete(id: string): void {
    if (!this.#files.delete(id)) throw notFound('file', id);
  }

  list(purpose: string | undefined): StoredFile[] {
    return [...this.#files.values()].filter((file) => purpose === undefined || file.purpose === purpose);
  }
}

/** Answers the files endpoints; bytes for a file's content. */
export function answerFiles(store: FileStore, request: GatewayRequest, form: Form, now: number): JsonObject | Buffer {
  const { method, path } = request;
  const [, , id, part] = path.split('/');
  if (id === undefined) return method === 'POST' ? create(store, form, now) : list(store, request);
  if (method === 'DELETE') {
    store.delete(id);
    return { id, object: 'file', deleted: true };
  }
  const file = store.get(id);
  return part === 'content' ? file.bytes : describe(file);
}

function create(store: FileStore, form: Form, now: number): JsonObject {
  const file = form.files[0];
  if (file === undefined) throw new GatewayError('REQ_INVALID', { reason: 'file must be a file.' }, { param: 'file' });
  return describe(store.add(file.name, textField(form, 'purpose') ?? 'user_data', file.bytes, now));
}

function list(store: FileStore, request: GatewayRequest): JsonObject {
  const files = store.list(request.queryValue('purpose'));
  return page(files.map(describe), request);
}

/** One page of a list, by `after`, `limit` and `order`. */
export function page(entries: readonly JsonObject[], request: GatewayRequest): JsonObject {
  const ordered = request.queryValue('order') === 'desc' ? entries.toReversed() : entries;
  const after = request.queryValue('after');
  const start = after === undefined ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
  const limit = Number(request.queryValue('limit') ?? 100) || 100;
  const data = ordered.slice(start, start + limit);
  return {
    object: 'list',
    data: [...data],
    first_id: data[0]?.['id'] ?? null,
    last_id: data.at(-1)?.['id'] ?? null,
    has_more: start + limit < ordered.length,
  };
}

function describe({ id, name, purpose, bytes, created }: StoredFile): JsonObject {
  return { id, object: 'file', bytes: bytes.length, created_at: created, filename: name, purpose, status: 'processed' };
}

export function notFound(kind: string, id: string): GatewayError {
  return new GatewayError(
    'REQ_INVALID',
    { reason: `No such ${kind}: ${id}.` },
    { status: 404, param: 'id', openaiCode: 'not_found' },
  );
}
