import type { Logger } from '../../plugin-sdk/index.ts';

/**
 * Logs what fails where nobody waits for it. Node would end the process for a promise that rejects unhandled, and with it every
 * open stream, though at most one call is concerned: the gateway goes on. An exception that nobody caught may have left
 * anything half done, so after it the process ends as Node ends it.
 *
 * For a process of its own only: an embedded gateway leaves such decisions to its host.
 */
export function logProcessFailures(log: Logger): void {
  process.on('unhandledRejection', (err) => log.error({ err }, 'a promise was rejected that nobody waits for'));
  process.on('uncaughtExceptionMonitor', (err) =>
    log.error({ err }, 'an exception was thrown that nobody catches; the process ends'),
  );
}
