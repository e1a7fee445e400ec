import {
  type AdaptedCall,
  type AdaptedReply,
  embeddingsReply,
  inBatches,
  isObject,
  type JsonObject,
  type JsonValue,
  type OperationAdapter,
  readEmbeddingsRequest,
} from '../../plugin-sdk/index.ts';
import { bareName } from './publisher.ts';

/** Texts that `:predict` takes at once; the Gemini embedding models take one. */
const batchSize = 250;

/** OpenAI embeddings by `:predict`, or by `:embedContent` where a model has only that. */
export const embeddings: OperationAdapter = {
  encode(body, call, lost) {
    const { texts, dimensions } = readEmbeddingsRequest(body, lost, ['task_type']);
    const name = bareName(call.model);
    const path = `/models/${encodeURIComponent(name)}`;
    const task = body['task_type'];
    if (/^gemini-embedding-(?!001)/.test(name)) {
      const config = {
        ...(dimensions === undefined ? {} : { outputDimensionality: dimensions }),
        ...(task === undefined ? {} : { taskType: task }),
      };
      return texts.map(
        (text): AdaptedCall => ({
          path: `${path}:embedContent`,
          body: {
            content: { parts: [{ text }] },
            ...(Object.keys(config).length === 0 ? {} : { embedContentConfig: config }),
          },
        }),
      );
    }
    const parameters = dimensions === undefined ? {} : { parameters: { outputDimensionality: dimensions } };
    return inBatches(texts, name.startsWith('gemini') ? 1 : batchSize).map(
      (batch): AdaptedCall => ({
        path: `${path}:predict`,
        body: {
          instances: batch.map((content) => ({ content, ...(task === undefined ? {} : { task_type: task }) })),
          ...parameters,
        },
      }),
    );
  },
  decode(replies, body, call) {
    const tokens = replies.reduce((sum, reply) => sum + tokensOf(reply), 0);
    return embeddingsReply(replies.flatMap(vectorsOf), tokens, body, call);
  },
};

/** `predictions[].embeddings.values`, or `embedding.values`. */
function vectorsOf({ json }: AdaptedReply): (JsonValue | undefined)[] {
  const { predictions, embedding } = json ?? {};
  if (isObject(embedding)) return [embedding['values']];
  return Array.isArray(predictions)
    ? predictions.map((prediction) => inside(prediction, 'embeddings')['values'])
    : [undefined];
}

function tokensOf({ json }: AdaptedReply): number {
  const { predictions, usageMetadata } = json ?? {};
  if (isObject(usageMetadata)) return Number(usageMetadata['promptTokenCount'] ?? 0);
  if (!Array.isArray(predictions)) return 0;
  return predictions.reduce<number>(
    (sum, prediction) => sum + Number(inside(inside(prediction, 'embeddings'), 'statistics')['token_count'] ?? 0),
    0,
  );
}

function inside(value: JsonValue | undefined, name: string): JsonObject {
  const found = isObject(value) ? value[name] : undefined;
  return isObject(found) ? found : {};
}
