/** Lines are dropped while as much waits for whoever reads the output. */
const mostWaitingBytes = 16 * 1024 * 1024;

/**
 * Standard output for a log: one that nobody reads, or a file on a full disk, costs lines, never a call or the process. The
 * writer that pino brings ends the process for a full disk, and at the exit waits for ever until all its lines are taken.
 */
export function logOutput(): { write(line: string): void } {
  const out = process.stdout;
  if (!out.listeners('error').includes(ignore)) out.on('error', ignore);
  return {
    write(line) {
      if (out.writableLength < mostWaitingBytes) out.write(line);
    },
  };
}

function ignore(): void {}
