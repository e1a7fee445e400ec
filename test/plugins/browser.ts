import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContextOptions, chromium } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

/** Why a test that needs a browser is left out, or `false`. */
export const skipWithoutBrowser = existsSync(executablePath)
  ? false
  : `there is no ${executablePath}: apt-get install chromium`;

const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser with a profile of its own. `problems` collects what its console complains about. */
export async function launchBrowser(baseURL: string, options: BrowserContextOptions = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'bifrost-browser-'));
  const context = await chromium.launchPersistentContext(profile, { executablePath, args, baseURL, ...options });
  const [page = await context.newPage()] = context.pages();
  page.setDefaultTimeout(10_000);
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  return {
    page,
    problems,
    async [Symbol.asyncDispose]() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
