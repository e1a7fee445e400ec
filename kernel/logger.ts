import { pino } from 'pino';
import type { Logger } from '../plugin-sdk/index.ts';
import type { Config } from './config/config.ts';
import { prettyStream } from './pretty-log.ts';

/** Lines are dropped while as much waits for whoever reads the output. */
const mostWaitingBytes = 16 * 1024 * 1024;

/** The gateway's log: pino on standard output, without worker threads, which lose lines at exit. */
export function createLogger({ level, format }: Config['log']): Logger {
  const options: pino.LoggerOptions = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const pretty = format === 'pretty' || (format === undefined && process.stdout.isTTY === true);
  const output = logOutput();
  return pino(options, pretty ? prettyStream(output) : output);
}

/**
 * Standard output for a log: one that nobody reads, or a file on a full disk, costs lines, never a call or the process. The
 * writer that pino brings ends the process for a full disk, and at the exit waits for ever until all its lines are taken.
 */
function logOutput(): { write(line: string): void } {
  const out = process.stdout;
  if (!out.listeners('error').includes(ignore)) out.on('error', ignore);
  return {
    write(line) {
      if (out.writableLength < mostWaitingBytes) out.write(line);
    },
  };
}

function ignore(): void {}
