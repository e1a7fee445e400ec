import type { Arguments } from './arguments.ts';
import { readTop, type TopData } from './top-data.ts';
import { topFrame } from './top-frame.ts';

const everyMs = 1_000;
/** sysexits(3): the service is not there. */
const unavailable = 69;
/** sysexits(3): the command line is wrong. */
const badUsage = 64;
/** Of output that is no terminal. */
const plainSize = { columns: 120, rows: 40, colour: false };

const screen = {
  open: '\x1b[?1049h\x1b[?25l',
  close: '\x1b[?25h\x1b[?1049l',
  home: '\x1b[H',
  clearLine: '\x1b[K',
  clearRest: '\x1b[J',
};

/** `top`: traffic of a running gateway, live in a terminal; one frame when the output goes elsewhere. Gives the exit code. */
export async function top({ url }: Arguments): Promise<number> {
  const token = process.env['BIFROST_ADMIN_TOKEN'];
  if (token === undefined || token === '') {
    process.stderr.write(
      'Set BIFROST_ADMIN_TOKEN to an admin token of the gateway: the one that its first start printed, or one of admin.tokens.\n',
    );
    return badUsage;
  }
  const address = (url ?? 'http://127.0.0.1:8080').replace(/\/+$/, '');
  let first: TopData;
  try {
    first = await readTop(address, token);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return unavailable;
  }
  if (process.stdout.isTTY !== true) {
    process.stdout.write(`${topFrame(first, plainSize, new Date()).join('\n')}\n`);
    return 0;
  }
  await watch(first, () => readTop(address, token));
  return 0;
}

/** Draws frames until `q`, Ctrl-C or a signal, then gives the terminal back as it was. */
async function watch(first: TopData, read: () => Promise<TopData>): Promise<void> {
  const { stdin, stdout } = process;
  let data = first;
  let problem: string | undefined;
  let isOver = false;
  const draw = (): void => {
    if (isOver) return;
    const { columns, rows } = stdout;
    const lines = topFrame(data, { columns, rows: rows - 1, colour: !process.env['NO_COLOR'] }, new Date());
    const foot = problem ?? 'q quits';
    const text = [...lines, foot.slice(0, columns)].map((line) => `${line}${screen.clearLine}`).join('\n');
    stdout.write(`${screen.home}${text}${screen.clearRest}`);
  };
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const onKey = (key: Buffer): void => {
    if (key.includes('q') || key.includes(3)) stop();
  };
  stdout.write(screen.open);
  stdin.setRawMode?.(true);
  stdin.on('data', onKey);
  stdout.on('resize', draw);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop);
  draw();
  let timer: NodeJS.Timeout | undefined;
  const next = async (): Promise<void> => {
    try {
      data = await read();
      problem = undefined;
    } catch (error) {
      problem = (error as Error).message;
    }
    draw();
    if (!isOver) timer = setTimeout(next, everyMs);
  };
  timer = setTimeout(next, everyMs);
  await stopped;
  isOver = true;
  clearTimeout(timer);
  stdout.off('resize', draw);
  stdin.off('data', onKey);
  stdin.setRawMode?.(false);
  stdin.pause();
  stdout.write(screen.close);
  // A request may still be under way.
  setTimeout(() => process.exit(0), 50).unref();
}
