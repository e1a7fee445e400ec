import type { AnswerEvent } from '../conversation/index.ts';
import type { Emit, StreamDecoder } from './dialect.ts';

/** The decoder, with each of its events given to `change`, which emits what becomes of it. */
export function changeEvents(decoder: StreamDecoder, change: (event: AnswerEvent, emit: Emit) => void): StreamDecoder {
  // One closure for the stream, not one for each event.
  let target: Emit = () => {};
  const changed = (event: AnswerEvent): void => change(event, target);
  return {
    event(event, emit) {
      target = emit;
      decoder.event(event, changed);
    },
    end(emit) {
      target = emit;
      decoder.end(changed);
    },
  };
}
