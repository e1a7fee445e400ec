import { company, kernel } from './candidates.ts';
import { startPeers } from './tools/peers.ts';
import { listening, pinned } from './tools/processes.ts';
import { chat } from './workloads.ts';

const virtualKey = { 'x-bf-vk': 'sk-bf-bench' };
const warmSeconds = 14;
const connectionsPerCore = 64;

/**
 * Prints how many times the calls of one core two cores do: one worker on a core with its load and its upstream, against two
 * workers on two cores with twice the load and two upstreams. Nothing is given to the larger one that the smaller has not.
 */
export async function printWorkers(upstreamPort: number, rounds: number, seconds: number): Promise<void> {
  console.log('\n### 1 KB carried, one and two workers\n\n| gateway | one core, calls/s | two cores | × |');
  console.log('| --- | --: | --: | --: |');
  for (const [name, plugins] of [['minimal', {}] as const, ['company', company] as const]) {
    // Both listen at one port; the system shares the connections out.
    const first = await startPeers(upstreamPort, {}, '0');
    const second = await startPeers(upstreamPort, {}, '1');
    const sides = [
      { cores: '0', workers: 1, peers: [first], port: upstreamPort + 1, rates: [] as number[] },
      { cores: '0,1', workers: 2, peers: [first, second], port: upstreamPort + 2, rates: [] as number[] },
    ];
    const gateways = sides.map(({ cores, workers, port }) => {
      const { command, environment } = kernel(`${name}, ${workers}`, plugins, virtualKey, { workers }).command!(
        port,
        upstreamPort,
      );
      return pinned(cores, command, environment);
    });
    for (const { port } of sides) await listening(port);
    for (let round = -1; round < rounds; round++) {
      for (const { peers, port, rates } of sides) {
        const options = {
          url: `http://127.0.0.1:${port}`,
          path: '/openai/v1/chat/completions',
          body: chat('gpt-4o-mini', 1_024),
          headers: virtualKey,
          connections: connectionsPerCore,
          seconds: round < 0 ? warmSeconds : seconds,
        };
        const results = await Promise.all(peers.map((one) => one.load(options, false)));
        if (results.some(({ failed }) => failed > 0)) throw new Error('calls failed');
        if (round >= 0) rates.push(results.reduce((sum, { done, seconds: took }) => sum + done / took, 0));
      }
    }
    const [one, two] = sides.map(({ rates }) => median(rates)) as [number, number];
    const ratios = sides[0]!.rates.map((rate, round) => sides[1]!.rates[round]! / rate);
    console.log(`| ${name} | ${Math.round(one)} | ${Math.round(two)} | ${median(ratios).toFixed(2)} |`);
    await Promise.all([...gateways.map((gateway) => gateway.stop()), first.stop(), second.stop()]);
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
