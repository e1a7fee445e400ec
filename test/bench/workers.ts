import { company, kernel } from './candidates.ts';
import { median } from './tools/median.ts';
import { type Peers, startPeers } from './tools/peers.ts';
import { listening, pinned } from './tools/processes.ts';
import { carried } from './workloads.ts';

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
    const sides = [
      await startSide(['0'], upstreamPort),
      // Both upstreams listen at one port; the system shares the connections out.
      await startSide(['0', '1'], upstreamPort + 2),
    ];
    const gateways = sides.map(({ cores, upstream, port }) => {
      const workers = cores.length;
      const { command, environment } = kernel(`${name}, ${workers}`, plugins, virtualKey, { workers }).command!(
        port,
        upstream,
      );
      return pinned(cores.join(), command, environment);
    });
    try {
      for (const { port } of sides) await listening(port);
      for (let round = -1; round < rounds; round++) {
        for (const side of sides) {
          const rate = await callsPerSecond(side.peers, side.port, round < 0 ? warmSeconds : seconds);
          if (round >= 0) side.rates.push(rate);
        }
      }
    } finally {
      await Promise.all([...gateways, ...sides.flatMap(({ peers }) => peers)].map((process) => process.stop()));
    }
    const [one, two] = sides.map(({ rates }) => median(rates)) as [number, number];
    const ratios = sides[0]!.rates.map((rate, round) => sides[1]!.rates[round]! / rate);
    console.log(`| ${name} | ${Math.round(one)} | ${Math.round(two)} | ${median(ratios).toFixed(2)} |`);
  }
}

interface Side {
  readonly cores: readonly string[];
  readonly peers: readonly Peers[];
  readonly upstream: number;
  readonly port: number;
  readonly rates: number[];
}

/** Load and upstream on each of the cores. */
async function startSide(cores: readonly string[], upstream: number): Promise<Side> {
  const peers: Peers[] = [];
  for (const core of cores) peers.push(await startPeers(upstream, {}, core));
  return { cores, peers, upstream, port: upstream + 1, rates: [] };
}

/** Of all peers together. */
async function callsPerSecond(peers: readonly Peers[], port: number, seconds: number): Promise<number> {
  const { path, body } = carried;
  const url = `http://127.0.0.1:${port}`;
  const options = { url, path, body, headers: virtualKey, connections: connectionsPerCore, seconds };
  const results = await Promise.all(peers.map((one) => one.load(options, false)));
  if (results.some(({ failed }) => failed > 0)) throw new Error('calls failed');
  return results.reduce((sum, { done, seconds: took }) => sum + done / took, 0);
}
