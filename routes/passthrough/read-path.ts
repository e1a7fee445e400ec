import {
  anthropicMessages,
  geminiGenerateContent,
  openaiChat,
  openaiCompletions,
  openaiResponses,
} from '../../plugin-sdk/dialects/index.ts';
import type { Dialect, Operation } from '../../plugin-sdk/index.ts';

/** What a provider-native path says of its call. */
export interface PathFacts {
  /** Format of errors and usage; `undefined` when the path is not one of the known ones. */
  readonly dialect: Dialect | undefined;
  readonly model: string | undefined;
  /** What is asked for, where tokens are not what it costs; any other call is `passthrough`. */
  readonly operation: Operation | undefined;
  readonly stream: boolean;
}

/** Endpoints whose format is known wherever they lie. */
const endings: readonly (readonly [ending: RegExp, dialect: Dialect])[] = [
  [/\/chat\/completions$/, openaiChat],
  [/\/completions$/, openaiCompletions],
  [/\/responses$/, openaiResponses],
  [/\/messages$/, anthropicMessages],
  [/\/publishers\/anthropic\/models\/[^/]+:(?:stream)?[rR]awPredict$/, anthropicMessages],
  [/:(?:streamG|g)enerateContent$/, geminiGenerateContent],
];

const pricedOtherwise: readonly (readonly [ending: RegExp, operation: Operation])[] = [
  [/\/count_tokens$|\/responses\/input_tokens$|:(?:count|compute)Tokens$/, 'count_tokens'],
  [/\/images\/generations$/, 'images.generate'],
  [/\/images\/edits$/, 'images.edit'],
  [/\/images\/variations$/, 'images.variation'],
  [/\/audio\/speech$/, 'audio.speech'],
];

const streams = /:(?:streamGenerateContent|streamRawPredict|serverStreamingPredict)$/;

/** Google: `…/models/NAME:verb`, `…/tunedModels/NAME:verb`, `…/endpoints/ID:verb`. The verb follows the last colon. */
const googleModel = /\/(?:models|tunedModels|endpoints)\/([^/]+?)(?::[A-Za-z]+)?$/;
/** Azure: `/deployments/NAME/…`; a name with slashes ends where a known endpoint begins. */
const azureDeployment =
  /\/deployments\/(.+?)\/(?:chat\/|completions|embeddings|responses|images\/|audio\/|batches|extensions\/|realtime)/;
/** OpenAI and Anthropic: `/models/NAME`, whole. */
const namedModel = /\/models\/(.+)$/;

/** `verbs`: paths end with a verb behind a colon, which is no part of a model. */
export function readPath(path: string, verbs: boolean): PathFacts {
  const plain = path.endsWith('/') ? path.slice(0, -1) : path;
  return {
    dialect: endings.find(([ending]) => ending.test(plain))?.[1],
    operation: pricedOtherwise.find(([ending]) => ending.test(plain))?.[1],
    model: modelIn(plain, verbs),
    stream: streams.test(plain),
  };
}

function modelIn(path: string, verbs: boolean): string | undefined {
  const named = (azureDeployment.exec(path) ?? (verbs ? googleModel : namedModel).exec(path))?.[1];
  if (named === undefined) return undefined;
  try {
    return decodeURIComponent(named);
  } catch {
    return named;
  }
}
