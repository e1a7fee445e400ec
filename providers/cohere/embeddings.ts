import {
  embeddingsReply,
  inBatches,
  isObject,
  type JsonObject,
  type OperationAdapter,
  readEmbeddingsRequest,
} from '../../plugin-sdk/index.ts';

/** Cohere refuses more texts in one call. */
const batchSize = 96;
const extensions = ['input_type', 'truncate', 'task_type'];

/** What Google calls the same purposes. */
const purposes: Readonly<Record<string, string>> = {
  RETRIEVAL_QUERY: 'search_query',
  QUESTION_ANSWERING: 'search_query',
  FACT_VERIFICATION: 'search_query',
  CODE_RETRIEVAL_QUERY: 'search_query',
  RETRIEVAL_DOCUMENT: 'search_document',
  CLASSIFICATION: 'classification',
  CLUSTERING: 'clustering',
};

/**
 * OpenAI embeddings by `POST /v2/embed`. Cohere wants to know what the vectors are for; a client may say so with
 * `input_type`, or Google's `task_type`, and `truncate`, beside OpenAI's own fields.
 */
export const embeddings: OperationAdapter = {
  encode(body, call, lost) {
    const { texts, dimensions } = readEmbeddingsRequest(body, lost, extensions);
    const task = body['task_type'] ?? undefined;
    const purpose = purposes[String(task)];
    if (task !== undefined && purpose === undefined) lost('task_type');
    return inBatches(texts, batchSize).map((batch) => ({
      path: '/embed',
      body: {
        model: call.model,
        texts: batch,
        input_type: body['input_type'] ?? purpose ?? 'search_document',
        embedding_types: ['float'],
        ...(dimensions === undefined ? {} : { output_dimension: dimensions }),
        ...(body['truncate'] === undefined ? {} : { truncate: body['truncate'] }),
      },
    }));
  },
  decode(replies, body, call) {
    const vectors = replies.flatMap(({ json }) => {
      const found = isObject(json?.['embeddings']) ? json['embeddings']['float'] : undefined;
      return Array.isArray(found) ? found : [undefined];
    });
    const tokens = replies.reduce((sum, { json }) => sum + billedTokens(json), 0);
    return embeddingsReply(vectors, tokens, body, call);
  },
};

function billedTokens(json: JsonObject | undefined): number {
  const meta = json?.['meta'];
  const units = isObject(meta) ? meta['billed_units'] : undefined;
  return isObject(units) && typeof units['input_tokens'] === 'number' ? units['input_tokens'] : 0;
}
