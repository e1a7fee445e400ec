import type { AnswerEvent, Dialect, Flow, Sink } from '../plugin-sdk/index.ts';
import { createFramer } from './framing/create-framer.ts';

/** Reads a carried stream's bytes as typed events. `end` throws what the decoder throws when the stream was cut. */
export interface EventReader {
  push(chunk: Buffer, emit: (event: AnswerEvent) => void): void;
  end(emit: (event: AnswerEvent) => void): void;
}

/** Undefined for an operation whose dialect has no typed events. */
export function eventReader(dialect: Dialect, provider: string): EventReader | undefined {
  if (dialect.chat === undefined) return undefined;
  const framer = createFramer(dialect.framing, { provider });
  const decoder = dialect.chat.decodeStream();
  return {
    push: (chunk, emit) => framer.push(chunk, (event) => decoder.event(event, emit)),
    end(emit) {
      framer.end((event) => decoder.event(event, emit));
      decoder.end(emit);
    },
  };
}

/** The bytes of a carried stream as a flow of typed events. */
export function decodedFlow(flow: Flow<Buffer>, reader: EventReader): Flow<AnswerEvent> {
  return {
    resume: () => flow.resume(),
    abort: (reason) => flow.abort(reason),
    start(sink) {
      let ready = true;
      const emit = (event: AnswerEvent): void => {
        ready = sink.push(event);
      };
      const guarded = (step: () => void): void => {
        try {
          step();
        } catch (cause) {
          flow.abort(cause as Error);
          sink.fail(cause as Error);
        }
      };
      flow.start({
        push(chunk) {
          ready = true;
          guarded(() => reader.push(chunk, emit));
          return ready;
        },
        end: () =>
          guarded(() => {
            reader.end(emit);
            sink.end();
          }),
        fail: (error) => sink.fail(error),
      });
    },
  };
}

/** The same bytes, with the events read beside them. */
export function tappedBytes(
  flow: Flow<Buffer>,
  reader: EventReader,
  observe: (event: AnswerEvent) => void,
  onError: (error: unknown) => void,
): Flow<Buffer> {
  let broken = false;
  const beside = (step: () => void): void => {
    if (broken) return;
    try {
      step();
    } catch (error) {
      broken = true;
      onError(error);
    }
  };
  return {
    resume: () => flow.resume(),
    abort: (reason) => flow.abort(reason),
    start: (sink: Sink<Buffer>) =>
      flow.start({
        push(chunk) {
          beside(() => reader.push(chunk, observe));
          return sink.push(chunk);
        },
        end() {
          beside(() => reader.end(observe));
          sink.end();
        },
        fail: (error) => sink.fail(error),
      }),
  };
}
