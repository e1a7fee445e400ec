import type { OperationAdapter } from '../../provider.ts';
import { geminiGenerateContent } from '../gemini-generate-content/index.ts';
import { openaiResponses } from '../openai-responses/index.ts';
import { modelPath } from './model-path.ts';

/** OpenAI's `POST /responses/input_tokens` by `:countTokens`. `flavour` as in the capabilities of generateContent. */
export function countTokens(flavour: 'gemini' | 'vertex'): OperationAdapter {
  return {
    encode(body, call, lost) {
      const conversation = openaiResponses.chat!.decodeRequest(body);
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
    decode: ([reply]) => ({
      json: { object: 'response.input_tokens', input_tokens: Number(reply?.json?.['totalTokens'] ?? 0) },
    }),
  };
}
