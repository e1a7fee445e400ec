import { type LoadOptions, runLoad } from './raw-load.ts';
import './raw-upstream.ts';

/** The process of `peers.ts`: an upstream at the port it is given, and a load for each message. */
process.on('message', async ({ options, stayAwake }: { options: LoadOptions; stayAwake: boolean }) => {
  let isAwake = stayAwake;
  const poll = (): void => void (isAwake && setImmediate(poll));
  poll();
  const result = await runLoad(options);
  isAwake = false;
  process.send!(result);
});
process.on('disconnect', () => process.exit());
