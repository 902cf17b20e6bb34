/** Owns the benches of the interface in a real browser: over a large installation, and while a job writes its log. */
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { buildIfStale } from '../../../src-main/start/build-if-stale.ts';
import { launchBrowser } from '../../support/browser.ts';
import { startSlipway } from '../../support/cli.ts';
import { type Bench, type BenchOptions, inFolder, type Row } from '../bench.ts';
import { createLargeInstallation } from './large-installation.ts';
import { measureLargePage } from './large-page.ts';
import { measureLogPage } from './log-page.ts';

const root = resolve(import.meta.dirname, '../../..');

/** Runs an engine on a data folder while `work` goes on. */
async function withEngine<Result>(
  data: string,
  workers: number,
  work: (url: string) => Promise<Result>,
): Promise<Result> {
  const engine = startSlipway(['serve', '--port', '0', '--workers', String(workers), '--data', data]);
  try {
    const [, url = ''] = await engine.line(/Slipway runs at (\S+)/);
    return await work(url);
  } finally {
    await engine.stop();
  }
}

/** Runs `work` against an engine on a new data folder, with a browser. */
async function inBrowser(
  options: BenchOptions,
  engine: { readonly workers: number; readonly prepare?: (data: string) => Promise<void> },
  work: (browser: Browser, at: { readonly data: string; readonly url: string }) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  await buildIfStale(root, options.say);
  return inFolder(async folder => {
    const data = join(folder, 'data');
    await engine.prepare?.(data);
    const browser = await launchBrowser();
    try {
      return await withEngine(data, engine.workers, url => work(browser, { data, url }));
    } finally {
      await browser.close();
    }
  });
}

export const uiBench: Bench = {
  summary: 'the interface in a browser over 10,000 jobs, 200 repositories, 20 regions, 100 machines',
  run: options =>
    inBrowser(options, { workers: 0, prepare: createLargeInstallation }, (browser, { url }) =>
      measureLargePage(browser, url, options),
    ),
};

export const uiLogBench: Bench = {
  summary: 'the log of a job in a browser: 10,000 lines/s followed, 1,000,000 lines searched',
  run: options => inBrowser(options, { workers: 1 }, (browser, at) => measureLogPage(browser, at, options)),
};
