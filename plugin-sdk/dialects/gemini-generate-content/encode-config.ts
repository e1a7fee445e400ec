import type { Conversation } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject } from '../../json.ts';
import { present } from '../present.ts';
import type { GeminiCapabilities } from './capabilities.ts';
import { encodeThinking } from './encode-thinking.ts';
import { isNative, kept } from './notes.ts';
import { toGoogleSchema } from './schema.ts';
import { asWritten } from './spelling.ts';

/** Writes `generationConfig`; undefined when there is nothing to say. `hasFormat`: it states the output format. */
export function encodeConfig(
  conversation: Conversation,
  capabilities: GeminiCapabilities,
  hasFormat: boolean,
  lost: (path: string) => void,
): JsonObject | undefined {
  const native = isNative(conversation);
  const { fields, notes } = kept(conversation);
  const rest = isObject(fields['generationConfig']) ? fields['generationConfig'] : undefined;
  const { sampling = {}, choices, logprobs, stop } = conversation;
  const config: JsonObject = {
    ...rest,
    ...present({
      temperature: sampling.temperature,
      topP: sampling.topP,
      topK: sampling.topK,
      seed: native ? sampling.seed : seedOf(sampling.seed),
      maxOutputTokens: conversation.maxOutputTokens,
      candidateCount: choices !== undefined && (native || choices > 1) ? choices : undefined,
      responseModalities: encodeModalities(conversation, native),
    }),
  };
  if (sampling.logitBias !== undefined) lost('logit_bias');
  if (native || capabilities.penalties) {
    Object.assign(
      config,
      present({ frequencyPenalty: sampling.frequencyPenalty, presencePenalty: sampling.presencePenalty }),
    );
  } else {
    if (sampling.frequencyPenalty) lost('frequency_penalty');
    if (sampling.presencePenalty) lost('presence_penalty');
  }
  if (logprobs !== undefined) {
    if (native || capabilities.logprobs)
      Object.assign(config, { responseLogprobs: true }, present({ logprobs: logprobs.top }));
    else lost('logprobs');
  }
  if (stop !== undefined) config['stopSequences'] = native ? [...stop] : encodeStop(stop, capabilities, lost);
  if (hasFormat) Object.assign(config, encodeOutput(conversation, native));
  const thinking = encodeThinking(conversation, capabilities, lost);
  if (thinking !== undefined) {
    const thinkingRest = isObject(rest?.['thinkingConfig']) ? rest['thinkingConfig'] : {};
    config['thinkingConfig'] = asWritten({ ...thinkingRest, ...thinking }, notes.snake ?? []);
  }
  if (rest === undefined && Object.keys(config).length === 0) return undefined;
  return asWritten(config, notes.snake ?? []);
}

/** OpenAI's seeds have 64 bits. Google refuses more than 32, of which the lowest serve: the same for the same seed. */
function seedOf(seed: number | undefined): number | undefined {
  return seed === undefined ? undefined : seed | 0;
}

function encodeStop(
  stop: readonly string[],
  { maxStopSequences }: GeminiCapabilities,
  lost: (path: string) => void,
): string[] {
  const useful = stop.filter((sequence) => sequence !== '');
  for (let i = maxStopSequences; i < useful.length; i++) lost(`stop[${i}]`);
  return useful.slice(0, maxStopSequences);
}

/** A model that speaks gives audio alone, where OpenAI asks for its text as well. */
function encodeModalities({ modalities }: Conversation, native: boolean): string[] | undefined {
  if (modalities === undefined) return undefined;
  if (!native && modalities.includes('audio')) return ['AUDIO'];
  return modalities.map((modality) => modality.toUpperCase());
}

function encodeOutput({ output, ...conversation }: Conversation, native: boolean): JsonObject {
  if (output === undefined) return {};
  if (output.type === 'text') return native ? { responseMimeType: 'text/plain' } : {};
  if (output.type === 'json') return { responseMimeType: 'application/json' };
  if (!isObject(output.schema)) {
    const param = 'response_format.json_schema.schema';
    throw new GatewayError('REQ_INVALID', { reason: `${param} must be an object.` }, { param });
  }
  const { openApiSchema } = kept(conversation).notes;
  if (openApiSchema !== undefined) return { responseMimeType: 'application/json', responseSchema: openApiSchema };
  return {
    responseMimeType: 'application/json',
    responseJsonSchema: native ? output.schema : toGoogleSchema(output.schema),
  };
}
