import { type AnswerEvent, isThenable, type StreamTransform } from '../plugin-sdk/index.ts';
import type { LiveExchange } from './exchange.ts';
import { logRejection } from './notify.ts';

const failed = 'an observer of a stream failed';

/** A plugin that only looks at a stream: what it emits is ignored, and how it fails is only logged. */
export class StreamObserver {
  readonly #plugin: string;
  readonly #transform: StreamTransform;
  readonly #exchange: LiveExchange;

  constructor(plugin: string, transform: StreamTransform, exchange: LiveExchange) {
    this.#plugin = plugin;
    this.#transform = transform;
    this.#exchange = exchange;
  }

  /** Shows it an event, and its `end` after the last. */
  show(event: AnswerEvent): void {
    try {
      this.#conclude(this.#transform.event(event, ignore));
      if (event.type === 'end') this.#conclude(this.#transform.end?.(ignore));
    } catch (err) {
      const { log, id } = this.#exchange;
      log.error({ request: id, plugin: this.#plugin, err }, failed);
    }
  }

  #conclude(result: unknown): void {
    if (isThenable(result)) logRejection(result, this.#exchange, failed, this.#plugin);
  }
}

function ignore(): void {}
