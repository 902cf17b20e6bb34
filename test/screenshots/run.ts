/** Owns `npm run screenshots`: every view, light and dark, at 1440 × 900, into test-results/screenshots. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildIfStale } from '../../src-main/start/build-if-stale.ts';
import { launchBrowser } from '../support/browser.ts';
import { projectRoot } from '../support/cli.ts';
import { createScreenshotWorld } from './world.ts';

/** Transitions, fonts and the first data have settled by then; nothing here is asserted. */
const settleMs = 1_500;

const folder = join(projectRoot, 'test-results/screenshots');
await mkdir(folder, { recursive: true });
await buildIfStale(projectRoot, line => console.error(line));
const world = await createScreenshotWorld();
try {
  const views: readonly (readonly [name: string, hash: string, tab?: string])[] = [
    ['overview', '#/overview'],
    ['repositories', '#/repositories'],
    ['repository', `#/repositories/${world.repositoryId}`],
    ['jobs', '#/jobs'],
    ['job', `#/jobs/${world.goodJob}`],
    ['job-failed', `#/jobs/${world.failedJob}`],
    ['job-tests', `#/jobs/${world.failedJob}`, 'Tests, 1 failed'],
    ['job-environment', `#/jobs/${world.failedJob}`, 'Environment'],
    ['regions', '#/regions'],
    ['swarm', '#/swarm'],
    ['machines', '#/machines'],
    ['capacity', '#/capacity'],
    ['settings', '#/settings'],
  ];
  const browser = await launchBrowser();
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme });
    await page.goto(world.url);
    for (const [name, hash, tab] of views) {
      await page.evaluate(next => {
        location.hash = next;
      }, hash);
      if (tab !== undefined) await page.getByRole('tab', { name: tab }).click();
      await page.waitForTimeout(settleMs);
      const path = join(folder, `${name}-${colorScheme}.png`);
      await page.screenshot({ path });
      console.log(path);
    }
    await page.close();
  }
  await browser.close();
} finally {
  await world.stop();
}
