import { type Attempt, chain, definePlugin, type Key, keyFilterSlot, type Provider } from '../../plugin-sdk/index.ts';
import { entitiesPort } from '../../plugin-sdk/ports/entities.ts';
import { type Candidate, CandidateLists, type Candidates } from './candidates.ts';
import { choose, isReady, type Selection } from './choose.ts';
import { healthRoutes } from './health-routes.ts';
import { keyPoolOptions } from './options.ts';
import { Probes } from './probes.ts';
import { isDoubtful, Rests } from './rest.ts';
import { reasonOf, unusable } from './unusable.ts';

const name = 'plugins/key-pool';

/** Chooses among a provider's keys. The last to be asked, so that every other plugin may decide first. */
export default definePlugin({
  name,
  description: 'Chooses the key of each attempt among those that may serve its model, and lets refused ones rest.',
  options: keyPoolOptions,
  after: [entitiesPort.capability],
  provides: ['keys'],
  setup(options, host) {
    const lists = new CandidateLists(host);
    const probes = new Probes(host);
    const rests = new Rests(options, host.clock);

    const refuse = (provider: Provider, candidate: Candidate): void => {
      rests.refuse(candidate);
      probes.schedule(provider, candidate, rests.probeDelayMs(candidate.state));
    };

    const serve = ({ provider }: Candidates, chosen: Candidate, attempt: Attempt): Key => {
      const { state } = chosen;
      const { operation } = attempt.exchange;
      state.inFlight += 1;
      attempt.onEnd((record) => {
        state.inFlight -= 1;
        rests.learn(chosen, record, operation);
        if (isDoubtful(record, operation)) probes.verify(provider, chosen, () => refuse(provider, chosen));
        else if (state.restsUntil === Number.POSITIVE_INFINITY)
          probes.schedule(provider, chosen, rests.probeDelayMs(state));
      });
      return chosen.key;
    };

    const select = (candidates: Candidates | undefined, attempt: Attempt): Key | undefined => {
      if (candidates === undefined) return undefined;
      const { exchange, target } = attempt;
      const selection: Selection = {
        attempt,
        now: host.clock.now(),
        filter: exchange.get(keyFilterSlot),
        pinned: target.key ?? exchange.request.headers.get('x-bf-api-key'),
      };
      const chosen = choose(candidates.may, selection, options.strategy);
      for (const candidate of candidates.may) {
        // Refused before a reload: the probe of that generation is gone.
        if (candidate.state.restsUntil === Number.POSITIVE_INFINITY)
          probes.schedule(candidates.provider, candidate, rests.probeDelayMs(candidate.state));
      }
      if (chosen === undefined) throw unusable(candidates, selection, host.providers);
      if (exchange.explains) explain(candidates, chosen, selection, options.strategy);
      return serve(candidates, chosen, attempt);
    };

    return {
      hooks: {
        selectKey: {
          order: 'post',
          handler: (attempt) =>
            chain(lists.find(attempt.target.provider, attempt.target.model), (found) => select(found, attempt)),
        },
      },
      routes: healthRoutes(host, lists),
      teardown: () => probes.close(),
    };
  },
});

function explain({ may, mayNot }: Candidates, chosen: Candidate, selection: Selection, strategy: string): void {
  const skipped = may
    .filter((candidate) => candidate !== chosen && !isReady(candidate, selection))
    .map((candidate) => `${candidate.key.name} ${reasonOf(candidate, selection)}`);
  selection.attempt.exchange.note(name, 'chose a key', {
    key: chosen.key.name,
    strategy,
    candidates: may.map(({ key, weight }) => `${key.name} (weight ${weight})`),
    skipped: [...skipped, ...mayNot.map(({ name: key, reason }) => `${key} ${reason}`)],
  });
}
