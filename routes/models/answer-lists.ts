import type { Exchange, Host, ModelInfo, Opinion, Reply } from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';
import type { VisibleModels } from './visible-models.ts';

const listing = loadOnUse<typeof import('./visible-models.ts')>(import.meta.url, './visible-models');

/** Writes a list, or one model of it, in the shape of one API. `provider` serves names that have no provider in front. */
export type AnswerModels = (exchange: Exchange, models: readonly ModelInfo[], provider: string) => Reply;

/** Answers calls for models. `shape` gives the function that writes them; nothing is loaded before somebody asks. */
export function answerLists(host: Host, provider: string, shape: () => AnswerModels): (e: Exchange) => Opinion<Reply> {
  let visible: VisibleModels | undefined;
  return (exchange) => {
    visible ??= listing().visibleModels(host);
    return visible(exchange).then((models) => shape()(exchange, models, provider));
  };
}
