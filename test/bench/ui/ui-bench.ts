/** Owns the bench of the interface in a real browser: over a large installation, and while a job writes its log. */
import { join, resolve } from 'node:path';
import { buildIfStale } from '../../../src-main/start/build-if-stale.ts';
import { launchBrowser } from '../../support/browser.ts';
import { startSlipway } from '../../support/cli.ts';
import { type Bench, inFolder, type Row } from '../bench.ts';
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

export const uiBench: Bench = {
  summary: 'the interface in a browser: 10,000 jobs, 200 repositories, 20 regions, 100 machines; 10,000 log lines/s',
  run: options =>
    inFolder(async (folder): Promise<readonly Row[]> => {
      await buildIfStale(root, options.say);
      const browser = await launchBrowser();
      try {
        const [large, small] = [join(folder, 'large'), join(folder, 'small')];
        await createLargeInstallation(large);
        const page = await withEngine(large, 0, url => measureLargePage(browser, url, options));
        const log = await withEngine(small, 1, url => measureLogPage(browser, { data: small, url }, options));
        return [...page, ...log];
      } finally {
        await browser.close();
      }
    }),
};
