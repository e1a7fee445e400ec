#!/usr/bin/env node
const [major = 0] = process.versions.node.split('.').map(Number);

if (major < 24) {
  console.error(
    `bifrost-kernel needs Node 24 or newer; this is Node ${process.versions.node}. In a checkout, npm start brings its own.`,
  );
  process.exit(69);
}

// V8 takes what lives as long as a request for long-lived and allocates it in the old generation, where only slow
// collections find it again. Without that guess a request costs a fifth less.
const { setFlagsFromString } = await import('node:v8');
setFlagsFromString('--no-allocation-site-pretenuring');
// In a pause V8 collects its whole heap. The shapes of objects that only calls have go with it, and with them all code that
// was compiled for them: the first seconds after the pause would stall for some 20 ms again and again.
setFlagsFromString('--memory-reducer-gc-count=0');
// That also tells V8 to grow its heap in small steps, with a slow collection at each; and after every pause it gives young
// objects little room and enlarges that in steps, between which most of them grow old. A burst of large bodies cost twice as much.
setFlagsFromString('--heap-growing-percent=100');
setFlagsFromString('--semi-space-growth-factor=16');
// Compiled code is kept between starts: it halves the time to the first answer. That is also why this file is not TypeScript:
// the compiler that strips types is then not even loaded.
(await import('node:module')).enableCompileCache();
(await import('./cli/source-cache.ts')).sourceCache.open();
const { runCli } = await import('./cli/cli.ts');
process.exitCode = await runCli(process.argv.slice(2));
