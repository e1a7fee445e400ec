import { openaiChat, openaiCompletions, openaiResponses } from '../../plugin-sdk/dialects/index.ts';
import {
  type Dialect,
  GatewayError,
  type GatewayRequest,
  isGatewayError,
  type JsonObject,
} from '../../plugin-sdk/index.ts';
import { answerChat } from './chat.ts';
import { answerEmbeddings } from './embeddings.ts';
import { type FileStore, notFound, page } from './files.ts';
import { type Form, textField } from './form.ts';

const dialects: Readonly<Record<string, Dialect>> = {
  '/chat/completions': openaiChat,
  '/completions': openaiCompletions,
  '/responses': openaiResponses,
};

/** Batches in memory: every one is complete as soon as it is made. */
export class BatchStore {
  readonly #files: FileStore;
  readonly #batches = new Map<string, JsonObject>();

  constructor(files: FileStore) {
    this.#files = files;
  }

  /** Answers the batches endpoints. Throws GatewayError REQ_INVALID. */
  answer(request: GatewayRequest, form: Form, now: number): JsonObject {
    const [, , id, action] = request.path.split('/');
    if (id === undefined)
      return request.method === 'POST' ? this.#create(form, now) : page([...this.#batches.values()], request);
    const batch = this.#batches.get(id);
    if (batch === undefined) throw notFound('batch', id);
    if (action === 'cancel') {
      throw new GatewayError(
        'REQ_INVALID',
        { reason: `The batch ${id} is complete and cannot be cancelled.` },
        { status: 409 },
      );
    }
    return batch;
  }

  #create(form: Form, now: number): JsonObject {
    const endpoint = textField(form, 'endpoint') ?? '';
    const input = this.#files.get(textField(form, 'input_file_id') ?? '');
    const lines = input.bytes
      .toString('utf8')
      .split('\n')
      .filter((line) => line.trim() !== '');
    const results = lines.map((line, i) => resultOf(line, `batch_req_mock${i + 1}`, now));
    const output = this.#files.add(
      'output.jsonl',
      'batch_output',
      Buffer.from(results.map((one) => `${JSON.stringify(one.line)}\n`).join('')),
      now,
    );
    const completed = results.filter(({ isOk }) => isOk).length;
    const batch: JsonObject = {
      id: `batch_mock${this.#batches.size + 1}`,
      object: 'batch',
      endpoint,
      errors: null,
      input_file_id: input.id,
      completion_window: textField(form, 'completion_window') ?? '24h',
      status: 'completed',
      output_file_id: output.id,
      error_file_id: null,
      created_at: now,
      in_progress_at: now,
      expires_at: now + 86_400,
      finalizing_at: now,
      completed_at: now,
      failed_at: null,
      expired_at: null,
      cancelling_at: null,
      cancelled_at: null,
      request_counts: { total: results.length, completed, failed: results.length - completed },
      metadata: form.fields.get('metadata') ?? null,
    };
    this.#batches.set(batch['id'] as string, batch);
    return batch;
  }
}

function resultOf(text: string, id: string, now: number): { line: JsonObject; isOk: boolean } {
  let customId: JsonObject['custom_id'] = null;
  let status = 200;
  let body: JsonObject;
  try {
    const {
      custom_id: given,
      url,
      body: request,
    } = JSON.parse(text) as { custom_id?: string; url?: string; body?: JsonObject };
    customId = given ?? null;
    body = answerLine(url ?? '', request ?? {}, id, now);
  } catch (cause) {
    const message = isGatewayError(cause) ? cause.text : (cause as Error).message;
    status = 400;
    body = { error: { message, type: 'invalid_request_error', param: null, code: null } };
  }
  return {
    line: { id, custom_id: customId, response: { status_code: status, request_id: id, body }, error: null },
    isOk: status === 200,
  };
}

function answerLine(url: string, body: JsonObject, id: string, now: number): JsonObject {
  const model = String(body['model'] ?? 'mock');
  const form: Form = { fields: new Map(Object.entries(body) as [string, never][]), files: [] };
  const path = url.replace(/^\/v1/, '');
  if (path === '/embeddings') return answerEmbeddings(form, model);
  const dialect = dialects[path];
  if (dialect === undefined) throw new GatewayError('REQ_INVALID', { reason: `The mock does not batch ${url}.` });
  const conversation = dialect.chat!.decodeRequest(body);
  return dialect.chat!.encodeAnswer(answerChat(conversation, model), { requestId: id, model, conversation, now });
}
