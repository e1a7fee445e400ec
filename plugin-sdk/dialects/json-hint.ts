/** System text for `json_object` where a provider has no mode for it, or refuses that mode beside functions. */
export const jsonHint = 'Reply with one valid JSON object and nothing else: no prose, no Markdown fences.';
