import { isObject, type OperationAdapter } from '../../plugin-sdk/index.ts';

/** `POST /v2/rerank`. There is no OpenAI shape for it; Cohere's own is what other gateways and servers took over. */
export const rerank: OperationAdapter = {
  encode: (body, call) => ({ path: '/rerank', body: { ...body, model: call.model } }),
  decode([reply]) {
    const json = reply?.json ?? {};
    const meta = json['meta'];
    const units = isObject(meta) ? meta['billed_units'] : undefined;
    const searches = isObject(units) && typeof units['search_units'] === 'number' ? units['search_units'] : 0;
    return { json, usage: { input: 0, output: 0, searches } };
  },
};
