import type { OperationAdapter } from '../../provider.ts';
import { geminiGenerateContent } from '../gemini-generate-content/index.ts';
import { countedConversation, countReply } from '../token-counting.ts';
import { modelPath } from './model-path.ts';

/** Another vendor's request for a count, by `:countTokens`. `flavour` as in the capabilities of generateContent. */
export function countTokens(flavour: 'gemini' | 'vertex'): OperationAdapter {
  return {
    encode(body, call, lost) {
      const conversation = countedConversation(call.exchange.dialect, body);
      const context = { model: call.model, stream: false, capabilities: { flavour }, lost };
      const whole = geminiGenerateContent.chat!.encodeRequest(conversation, context);
      const { contents, systemInstruction, tools } = whole;
      const counted = {
        ...(systemInstruction === undefined ? {} : { systemInstruction }),
        ...(tools === undefined ? {} : { tools }),
      };
      // Vertex counts these members themselves; the Gemini API only inside a whole request.
      const native =
        flavour === 'vertex'
          ? { contents, ...counted }
          : { generateContentRequest: { model: `models/${call.model}`, contents, ...counted } };
      return { path: modelPath(call.model, 'countTokens'), body: native as typeof whole };
    },
    decode: ([reply], _, { exchange }) => ({ json: countReply(exchange.dialect, reply?.json?.['totalTokens']) }),
  };
}
