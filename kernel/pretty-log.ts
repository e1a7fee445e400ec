const levels: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };

/** Turns pino's JSON lines into text for people: time, level, message, then the fields. */
export function prettyStream(out: { write(line: string): unknown }): { write(line: string): void } {
  return {
    write(line) {
      const { time, level, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
      const details = Object.entries(fields).map(
        ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      );
      const clock = String(time).slice(11, 23);
      out.write(
        `${[clock, levels[level as number] ?? level, msg, ...details].filter((part) => part !== undefined && part !== '').join('  ')}\n`,
      );
      const stack = typeof err === 'string' ? err : ((err as { stack?: string } | undefined)?.stack ?? '');
      if (stack !== '') out.write(`${stack.replace(/^/gm, '    ')}\n`);
    },
  };
}
