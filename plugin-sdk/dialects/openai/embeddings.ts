import { embeddingsReply, readEmbeddingsRequest } from '../../embeddings.ts';
import { isObject } from '../../json.ts';
import type { OperationAdapter } from '../../provider.ts';

/** Embeddings at a provider of OpenAI's own format, for clients of another one: OpenAI's clients are carried. */
export const embeddings: OperationAdapter = {
  encode(body, call, lost) {
    const { texts, dimensions } = readEmbeddingsRequest(body, lost);
    return {
      path: '/embeddings',
      carried: true,
      body: {
        model: call.model,
        input: [...texts],
        encoding_format: 'float',
        ...(dimensions === undefined ? {} : { dimensions }),
      },
    };
  },
  decode([reply], body, call) {
    const { data, usage } = reply?.json ?? {};
    const vectors = (Array.isArray(data) ? data.filter(isObject) : []).map(({ embedding }) => embedding);
    const tokens = isObject(usage) ? Number(usage['prompt_tokens'] ?? 0) : 0;
    return embeddingsReply(vectors.length === 0 ? [undefined] : vectors, tokens, body, call);
  },
};
