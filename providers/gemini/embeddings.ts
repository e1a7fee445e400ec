import { modelPath } from '../../plugin-sdk/dialects/google/model-path.ts';
import {
  embeddingsReply,
  inBatches,
  isObject,
  type OperationAdapter,
  readEmbeddingsRequest,
} from '../../plugin-sdk/index.ts';

/** Google refuses more in one batch. */
const batchSize = 100;

/** OpenAI embeddings by `:batchEmbedContents`. A client may name Google's `task_type` beside OpenAI's own fields. */
export const embeddings: OperationAdapter = {
  encode(body, call, lost) {
    const { texts, dimensions } = readEmbeddingsRequest(body, lost, ['task_type']);
    const shared = {
      model: `models/${call.model.replace(/^models\//, '')}`,
      ...(dimensions === undefined ? {} : { outputDimensionality: dimensions }),
      ...(body['task_type'] === undefined ? {} : { taskType: body['task_type'] }),
    };
    return inBatches(texts, batchSize).map((batch) => ({
      path: modelPath(call.model, 'batchEmbedContents'),
      body: { requests: batch.map((text) => ({ ...shared, content: { parts: [{ text }] } })) },
    }));
  },
  decode(replies, body, call) {
    const vectors = replies.flatMap(({ json }) => {
      const found = json?.['embeddings'];
      return Array.isArray(found) ? found.map((entry) => (isObject(entry) ? entry['values'] : undefined)) : [undefined];
    });
    // Newer models count tokens; older ones say nothing.
    const tokens = replies.reduce((sum, { json }) => {
      const usage = json?.['usageMetadata'];
      return sum + (isObject(usage) && typeof usage['promptTokenCount'] === 'number' ? usage['promptTokenCount'] : 0);
    }, 0);
    return embeddingsReply(vectors, tokens, body, call);
  },
};
