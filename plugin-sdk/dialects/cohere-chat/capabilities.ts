/** What a Cohere model accepts, as data. */
export interface CohereCapabilities {
  /** `thinking` is understood. */
  readonly thinking: boolean;
  /** `image_url` parts are understood. */
  readonly images: boolean;
  /** `response_format` may stand beside `tools`. */
  readonly structuredOutputWithTools: boolean;
  readonly maxStopSequences: number;
}

const common: CohereCapabilities = {
  thinking: false,
  images: false,
  structuredOutputWithTools: false,
  maxStopSequences: 5,
};

const rules: readonly (readonly [model: RegExp, differs: Partial<CohereCapabilities>])[] = [
  [/reasoning|command-a-plus/, { thinking: true }],
  [/vision|command-a-plus/, { images: true }],
];

/** What `model` can do; `overrides` is what the provider or the operator knows better. Other keys are ignored. */
export function capabilitiesOf(model: string, overrides: Readonly<Record<string, unknown>> = {}): CohereCapabilities {
  const result: Record<string, unknown> = { ...common };
  for (const [pattern, differs] of rules) if (pattern.test(model)) Object.assign(result, differs);
  for (const key in common) if (overrides[key] !== undefined) result[key] = overrides[key];
  return result as unknown as CohereCapabilities;
}
