import {
  type AdaptedCall,
  type AdaptedReply,
  embeddingsReply,
  GatewayError,
  getHeader,
  inBatches,
  isObject,
  type JsonObject,
  type JsonValue,
  type OperationAdapter,
  readEmbeddingsRequest,
} from '../../plugin-sdk/index.ts';
import { encodeSegment } from './sign.ts';

const cohereBatch = 96;
const extensions = ['input_type', 'truncate', 'normalize'];

/** OpenAI embeddings by InvokeModel. Titan and Nova embed one text a call, Cohere up to 96. */
export const embeddings: OperationAdapter = {
  encode(body, call, lost) {
    const { texts, dimensions } = readEmbeddingsRequest(body, lost, extensions);
    const invoke = (invocation: JsonObject): AdaptedCall => ({
      path: `/model/${encodeSegment(call.model)}/invoke`,
      body: invocation,
    });
    if (call.model.includes('cohere.')) {
      return inBatches(texts, cohereBatch).map((batch) => invoke(cohereBody(batch, dimensions, body)));
    }
    if (call.model.includes('nova')) return texts.map((text) => invoke(novaBody(text, dimensions, body)));
    const isFirst = call.model.includes('titan-embed-text-v1');
    if (isFirst && dimensions !== undefined) {
      throw new GatewayError('REQ_INVALID', { reason: 'This model has one vector size.' }, { param: 'dimensions' });
    }
    const { normalize } = body;
    const chosen = {
      ...(dimensions === undefined ? {} : { dimensions }),
      ...(normalize === undefined ? {} : { normalize }),
    };
    return texts.map((text) => invoke({ inputText: text, ...chosen }));
  },
  decode(replies, body, call) {
    return embeddingsReply(
      replies.flatMap(vectorsOf),
      replies.reduce((sum, reply) => sum + tokensOf(reply), 0),
      body,
      call,
    );
  },
};

function cohereBody(texts: readonly string[], dimensions: number | undefined, body: JsonObject): JsonObject {
  return {
    texts: [...texts],
    input_type: body['input_type'] ?? 'search_document',
    ...(dimensions === undefined ? {} : { output_dimension: dimensions, embedding_types: ['float'] }),
    ...(body['truncate'] === undefined ? {} : { truncate: body['truncate'] }),
  };
}

function novaBody(text: string, dimensions: number | undefined, body: JsonObject): JsonObject {
  return {
    taskType: 'SINGLE_EMBEDDING',
    singleEmbeddingParams: {
      embeddingPurpose: body['input_type'] ?? 'GENERIC_INDEX',
      ...(dimensions === undefined ? {} : { embeddingDimension: dimensions }),
      text: { truncationMode: body['truncate'] ?? 'NONE', value: text },
    },
  };
}

/** Titan `{embedding}`, Cohere `{embeddings: [[…]]}` or `{embeddings: {float}}`, Nova `{embeddings: [{embedding}]}`. */
function vectorsOf({ json }: AdaptedReply): readonly (JsonValue | undefined)[] {
  const { embedding, embeddings: several } = json ?? {};
  if (Array.isArray(embedding)) return [embedding];
  if (isObject(several) && Array.isArray(several['float'])) return several['float'];
  if (!Array.isArray(several)) return [undefined];
  return several.map((entry) => (isObject(entry) ? entry['embedding'] : entry));
}

function tokensOf({ json, headers }: AdaptedReply): number {
  const counted = json?.['inputTextTokenCount'];
  if (typeof counted === 'number') return counted;
  return Number(getHeader(headers, 'x-amzn-bedrock-input-token-count') ?? 0);
}
