import type { Usage } from '../../conversation/index.ts';
import { isObject, type JsonValue } from '../../json.ts';
import type { EventReading, FramedEvent } from '../dialect.ts';
import { present } from '../present.ts';
import { eventProblem } from './event-problem.ts';
import { readUsage } from './usage.ts';

/** Something a user would see: text of any kind, or a list or object that is not empty. */
const content =
  /"(?:content|refusal|reasoning|reasoning_content|text|delta|b64_json|arguments|audio)":\s*"(?!")|"(?:content|tool_calls|function_call|audio|images)":\s*[[{]\s*[^\]}\s]/;
const finishWord = /"finish_reason":\s*"([^"]*)"/;
const usageObject = /"usage":\s*\{/;
const closingType = /"type":\s*"[\w.]+\.(?:completed|done)"/;

/**
 * Reads the streams of chat, completions, images, speech and transcription. Nothing is parsed but the one event that
 * holds usage and those that may hold an error: a quoted word inside text is escaped, so substrings decide safely.
 */
export function readOpenAIStream(): (event: FramedEvent) => EventReading {
  let usage: Usage | undefined;
  let finish: string | undefined;
  return ({ name, data }) => {
    if (data === '[DONE]') return present({ kind: 'done' as const, usage, finish });
    if (name === 'error' || data.includes('"error"')) {
      const problem = eventProblem({ data, ...(name === undefined ? {} : { name }) }, parse(data));
      if (problem !== undefined) return { kind: 'error', problem };
      if (finishWord.exec(data)?.[1] === 'error')
        return { kind: 'error', problem: { status: 502, message: 'The provider ended the answer with an error.' } };
    }
    const found = usageObject.test(data) ? usageOf(parse(data)) : undefined;
    const word = finishWord.exec(data)?.[1];
    usage = found ?? usage;
    finish = word ?? finish;
    if (closingType.test(data) && !data.includes('"choices"')) return present({ kind: 'done' as const, usage, finish });
    const kind = word !== undefined || content.test(data) ? 'content' : 'preamble';
    return present({ kind: kind as 'content' | 'preamble', usage: found, finish: word });
  };
}

/** Groq sends usage under `x_groq` as well, and older models only there. */
function usageOf(chunk: JsonValue): Usage | undefined {
  if (!isObject(chunk)) return undefined;
  const groq = chunk['x_groq'];
  return readUsage(chunk['usage']) ?? (isObject(groq) ? readUsage(groq['usage']) : undefined);
}

function parse(data: string): JsonValue {
  try {
    return JSON.parse(data) as JsonValue;
  } catch {
    return null;
  }
}
