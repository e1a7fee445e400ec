import type { AnswerFilter } from '../../plugin-sdk/dialects/answer-filter.ts';
import { schemaCheck } from '../../plugin-sdk/dialects/schema-check.ts';
import {
  type Answer,
  type AnswerEvent,
  type ChatCodec,
  type Conversation,
  GatewayError,
  type JsonObject,
} from '../../plugin-sdk/index.ts';

type ProblemOf = (text: string) => GatewayError | undefined;

/**
 * Holds answers to the schema that the client asked for with `strict`, where the provider itself does not: a function or
 * a prompt stood in for the output format. Answers that were cut short, refused or that call tools are not judged.
 * Undefined where nothing has to be checked. `encoded` is the request as the provider gets it.
 */
export function strictOutput(
  provider: string,
  codec: ChatCodec,
  { output }: Conversation,
  encoded: JsonObject,
): Promise<AnswerFilter> | undefined {
  if (output?.type !== 'schema' || output.strict !== true || codec.enforcesOutput?.(encoded) !== false)
    return undefined;
  return schemaCheck(output.schema).then((check) =>
    filter((text) => {
      const mismatch = check(text);
      return mismatch && new GatewayError('GUARD_OUTPUT', { provider, ...mismatch });
    }),
  );
}

/** Throws GatewayError GUARD_OUTPUT for an answer; in a stream at its end, when its usage is known. */
function filter(problemOf: ProblemOf): AnswerFilter {
  return {
    answer(answer) {
      for (const choice of answer.choices) {
        const problem = isJudged(choice) ? problemOf(textOf(choice)) : undefined;
        if (problem !== undefined) throw problem;
      }
      return answer;
    },

    stream(emit) {
      const judge = new StreamJudge(problemOf);
      return (event) => {
        if (!judge.withholds(event)) emit(event);
      };
    },
  };
}

type Choice = Answer['choices'][number];

function isJudged({ finish, blocks }: Choice): boolean {
  return finish?.reason === 'stop' && !blocks.some(({ type }) => exempts(type));
}

function textOf({ blocks }: Choice): string {
  return blocks.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

function exempts(type: string): boolean {
  return type === 'tool-call' || type === 'refusal';
}

class StreamJudge {
  readonly #problemOf: ProblemOf;
  readonly #texts = new Map<number, string>();
  readonly #exempt = new Set<number>();
  #problem: GatewayError | undefined = undefined;

  constructor(problemOf: ProblemOf) {
    this.#problemOf = problemOf;
  }

  /** True for what the client must not see: an answer that breaks the schema has no finish. */
  withholds(event: AnswerEvent): boolean {
    if (event.type === 'block-start') {
      if (exempts(event.head.type)) this.#exempt.add(event.choice);
    } else if (event.type === 'text') {
      this.#texts.set(event.choice, (this.#texts.get(event.choice) ?? '') + event.text);
    } else if (event.type === 'finish' && event.finish.reason === 'stop' && !this.#exempt.has(event.choice)) {
      this.#problem ??= this.#problemOf(this.#texts.get(event.choice) ?? '');
    } else if (event.type === 'end' && this.#problem !== undefined) {
      throw this.#problem;
    }
    return this.#problem !== undefined;
  }
}
