import type { AnswerFilter } from '../../plugin-sdk/dialects/answer-filter.ts';
import type { AnswerEvent, Conversation, Dialect, Provider } from '../../plugin-sdk/index.ts';
import type { LiveAttempt } from '../attempt.ts';
import { HeldStart } from './held-start.ts';
import { quirkedStream } from './quirked-stream.ts';
import { TranslatedStream } from './translated-stream.ts';
import type { Upstream } from './upstream.ts';

/** What the reply answers, and what changes it on its way to the client. */
export interface Asked {
  readonly conversation: Conversation;
  readonly filters: readonly AnswerFilter[];
}

/** A provider's stream as events, once it has shown content. Rejects with what went wrong before. */
export function translatedEvents(
  attempt: LiveAttempt,
  provider: Provider,
  dialect: Dialect,
  asked: Asked,
  upstream: Upstream,
): Promise<HeldStart<AnswerEvent>> {
  return new Promise((resolve, reject) => {
    const out: HeldStart<AnswerEvent> = new HeldStart(upstream, attempt.exchange.policy.holdBack, (error) =>
      error === undefined ? resolve(out) : reject(error),
    );
    const watch = (event: AnswerEvent): void => {
      if (event.type === 'usage') attempt.usage = event.usage;
      else if (event.type === 'finish') attempt.finish = event.finish.native ?? event.finish.reason;
    };
    const translated = new TranslatedStream(out, {
      provider: provider.name,
      dialect,
      conversation: asked.conversation,
      filters: asked.filters,
      watch,
      onEarlyUsage: (usage) => {
        attempt.usage = usage;
      },
    });
    upstream.reply.start(
      dialect.framing === 'sse' ? quirkedStream(translated, provider.name, provider.quirks) : translated,
    );
  });
}
