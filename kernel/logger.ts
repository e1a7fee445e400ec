import { pino } from 'pino';
import type { Logger } from '../plugin-sdk/index.ts';
import type { Config } from './config/config.ts';
import { logOutput } from './log-output.ts';
import { prettyStream } from './pretty-log.ts';

/** The gateway's log: pino on standard output, without worker threads, which lose lines at exit. */
export function createLogger({ level, format }: Config['log']): Logger {
  const options: pino.LoggerOptions = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const pretty = format === 'pretty' || (format === undefined && process.stdout.isTTY === true);
  const output = logOutput();
  return pino(options, pretty ? prettyStream(output) : output);
}
