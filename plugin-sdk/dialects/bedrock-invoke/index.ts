import { anthropicMessages } from '../anthropic-messages/index.ts';
import { streamProblem } from '../bedrock-converse/errors.ts';
import { bedrock } from '../bedrock-converse/index.ts';
import type { Dialect } from '../dialect.ts';
import { InvokeStreamDecoder } from './decode-stream.ts';
import { isException, unwrapped } from './frames.ts';

/**
 * `POST /model/{id}/invoke` and `/invoke-with-response-stream` for Claude: Anthropic's Messages, and its events in frames
 * (wire facts 6). What Converse has no word for reaches Claude this way.
 */
export const bedrockInvoke: Dialect = {
  ...bedrock,
  id: 'bedrock.invoke',
  meter: {
    json: (bytes) => anthropicMessages.meter.json(bytes),
    stream() {
      const read = anthropicMessages.meter.stream();
      return (frame) =>
        isException(frame) ? { kind: 'error', problem: streamProblem(frame.name, frame.data) } : read(unwrapped(frame));
    },
    terminator: 'message_stop',
  },
  chat: { ...anthropicMessages.chat!, decodeStream: (request) => new InvokeStreamDecoder(request) },
};
