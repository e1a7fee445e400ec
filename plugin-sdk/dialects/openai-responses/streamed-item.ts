import type { Citation } from '../../conversation/index.ts';
import type { JsonObject, JsonValue } from '../../json.ts';

/** An output item while it is written. Methods give the framed text of the events they cause. */
export interface StreamedItem {
  readonly index: number;
  open(): string;
  /** A piece of what the open part holds: words, reasoning or arguments. */
  text(text: string, logprobs?: JsonValue): string;
  signature(signature: string, maker?: string): void;
  citation(citation: Citation): string;
  endBlock(): string;
  /** The item as it stands in `output_item.done` and in the final output. */
  finished(): JsonObject;
}
