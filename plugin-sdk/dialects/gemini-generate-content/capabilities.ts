/** What a Google model and its host accept, as data. Facts: wire.md 4.3, most of them read in third-party clients. */
export interface GeminiCapabilities {
  /** The Gemini API, or Vertex AI; they differ in a few fields. */
  readonly flavour: 'gemini' | 'vertex';
  /** How thinking is controlled: `thinkingBudget` (tokens), `thinkingLevel` (words), or not at all. */
  readonly thinking: 'none' | 'budget' | 'level';
  /** Least and most tokens of a budget; `canDisable` says that 0 is accepted as well. */
  readonly minBudget: number;
  readonly maxBudget: number;
  readonly canDisable: boolean;
  /** The levels there are, from the least thinking to the most. */
  readonly levels: readonly string[];
  /** A function call of the current turn without its thought signature is refused. */
  readonly needsSignatures: boolean;
  /** Media may stand inside a function response. */
  readonly functionResponseParts: boolean;
  /** `mode: VALIDATED`, which holds calls to their schema. */
  readonly validatedMode: boolean;
  /** `responseJsonSchema` and function tools may stand in one request. */
  readonly structuredOutputWithTools: boolean;
  readonly systemInstruction: boolean;
  readonly penalties: boolean;
  readonly logprobs: boolean;
  /** `functionCall.id` and `functionResponse.id` are accepted. */
  readonly callIds: boolean;
  readonly labels: boolean;
  /** Where the service tier is said; a header is the provider's task. */
  readonly serviceTier: 'body' | 'header';
  /** `fileData` takes any https URL, not only those of Google's own stores. */
  readonly remoteUrls: boolean;
  readonly maxStopSequences: number;
}

/** The newest family we know, so that a model we have not heard of is treated as one of today's. */
const newest: GeminiCapabilities = {
  flavour: 'gemini',
  thinking: 'level',
  minBudget: 0,
  maxBudget: 24_576,
  canDisable: false,
  levels: ['minimal', 'low', 'medium', 'high'],
  needsSignatures: true,
  functionResponseParts: true,
  validatedMode: true,
  structuredOutputWithTools: true,
  systemInstruction: true,
  penalties: true,
  logprobs: false,
  callIds: true,
  labels: false,
  serviceTier: 'body',
  remoteUrls: false,
  maxStopSequences: 5,
};

type Rule = readonly [model: RegExp, differs: Partial<GeminiCapabilities>];

const older = { needsSignatures: false, functionResponseParts: false, structuredOutputWithTools: false } as const;
const budget = { thinking: 'budget', canDisable: true, penalties: false, ...older } as const;

/** Every rule that matches applies, later ones over earlier ones. */
const rules: readonly Rule[] = [
  [/^gemma/, { ...older, thinking: 'none', systemInstruction: false, validatedMode: false, penalties: true }],
  [/^gemini-(1|2\.0)/, { ...older, thinking: 'none', validatedMode: false }],
  [/^gemini-2\.5/, budget],
  [/^gemini-2\.5-pro/, { minBudget: 128, maxBudget: 32_768, canDisable: false }],
  [/^gemini-2\.5-flash-lite/, { minBudget: 512 }],
  [/^gemini-2\.5-.*(image|tts)/, { thinking: 'none' }],
  [/^gemini-3.*-pro/, { levels: ['low', 'medium', 'high'] }],
  [/^gemini-3\.[7-9].*-flash/, { levels: ['low', 'medium', 'high'] }],
  [/^gemini-4-hydrogen/, { levels: ['minimal', 'low', 'medium', 'high', 'xhigh'] }],
];

const vertex = {
  flavour: 'vertex',
  callIds: false,
  labels: true,
  serviceTier: 'header',
  remoteUrls: true,
  logprobs: true,
  penalties: true,
} as const satisfies Partial<GeminiCapabilities>;

/**
 * What `model` can do. `overrides` is what the provider or the operator knows better; of it, `flavour: 'vertex'` also
 * sets everything in which Vertex differs. Keys that are not of {@link GeminiCapabilities} are ignored.
 */
export function capabilitiesOf(model: string, overrides: Readonly<Record<string, unknown>> = {}): GeminiCapabilities {
  const name = model.slice(model.lastIndexOf('/') + 1).toLowerCase();
  const result: Record<string, unknown> = { ...newest };
  for (const [pattern, differs] of rules) if (pattern.test(name)) Object.assign(result, differs);
  if (overrides['flavour'] === 'vertex') Object.assign(result, vertex);
  for (const key in newest) if (overrides[key] !== undefined) result[key] = overrides[key];
  return result as unknown as GeminiCapabilities;
}
