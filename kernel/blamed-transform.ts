import {
  type AnswerEvent,
  type Emit,
  type FramedEvent,
  isThenable,
  type OmittedEvents,
  type StreamTransform,
} from '../plugin-sdk/index.ts';
import { eventFault } from './answer-shape.ts';
import { badResult, blame, type Culprit } from './blame.ts';
import type { LiveExchange } from './exchange.ts';
import type { StreamFactory } from './hooks.ts';

/** Asks a plugin what to do with a stream. Throws GatewayError PLUGIN_FAILED, PLUGIN_BAD_RESULT. */
export function askForTransform(
  plugin: string,
  factory: StreamFactory,
  exchange: LiveExchange,
): StreamTransform | undefined {
  const culprit: Culprit = { plugin, hook: 'transformResponse' };
  let transform: unknown;
  try {
    transform = factory(exchange);
  } catch (cause) {
    throw blame(culprit, cause);
  }
  if (transform === undefined || transform === null) return undefined;
  if (typeof (transform as { event?: unknown }).event !== 'function')
    throw badResult(culprit, 'stream must give, at once, nothing or an object with an event function', transform);
  return transform as StreamTransform;
}

/** One plugin's transform of one stream, with its name on whatever goes wrong in it. */
export class BlamedTransform implements StreamTransform, Culprit {
  readonly plugin: string;
  readonly hook = 'transformResponse';
  declare readonly omits?: OmittedEvents;
  readonly #transform: StreamTransform;
  /** Choices of which it has emitted the finish. */
  readonly #finished = new Set<number>();
  #ending = false;

  constructor(transform: StreamTransform, plugin: string) {
    this.plugin = plugin;
    this.#transform = transform;
    if (transform.omits !== undefined) this.omits = new BlamedOmission(transform.omits, this);
  }

  event(event: AnswerEvent, emit: Emit): void {
    let result: unknown;
    try {
      result = this.#transform.event(event, emit);
    } catch (cause) {
      throw blame(this, cause);
    }
    this.#refuse('event', result);
  }

  end(emit: Emit): void {
    this.#ending = true;
    let result: unknown;
    try {
      result = this.#transform.end?.(emit);
    } catch (cause) {
      throw blame(this, cause);
    }
    this.#refuse('end', result);
  }

  /** What it emits, on its way to the next. */
  checked(next: Emit): Emit {
    return (event) => {
      const fault = eventFault(event) ?? this.#lateness(event);
      if (fault !== undefined) throw badResult(this, fault);
      next(event);
    };
  }

  /** After its finish most formats have no place for content: it would be lost. A provider's own is not looked at here. */
  #lateness(event: AnswerEvent): string | undefined {
    if (event.type === 'finish') this.#finished.add(event.choice);
    else if (this.#ending && 'choice' in event && this.#finished.has(event.choice))
      return `end emitted ${event.type} after the answer had finished: emit what was held at its block-end`;
    return undefined;
  }

  /** An event that is returned, or emitted after a wait, would be lost. What a short arrow function leaves behind is none. */
  #refuse(step: 'event' | 'end', result: unknown): void {
    if (typeof result === 'object' && result !== null)
      throw badResult(this, `${step} must be synchronous, and emit what goes on rather than return it`, result);
  }
}

class BlamedOmission implements OmittedEvents {
  readonly needles: readonly string[];
  readonly #omits: OmittedEvents;
  readonly #culprit: Culprit;

  constructor(omits: OmittedEvents, culprit: Culprit) {
    this.needles = omits.needles;
    this.#omits = omits;
    this.#culprit = culprit;
  }

  test(event: FramedEvent): boolean {
    let omitted: boolean;
    try {
      omitted = this.#omits.test(event);
    } catch (cause) {
      throw blame(this.#culprit, cause);
    }
    // A promise is true whatever it will say.
    if (isThenable(omitted)) throw badResult(this.#culprit, 'omits.test must be synchronous', omitted);
    return omitted;
  }
}
