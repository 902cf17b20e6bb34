/** A view whose code cannot be loaded, in the built product: it says so in its place, and the rest of the page goes on. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { type LongCommand, startSlipway } from '../support/cli.ts';
import { type KeptFolder, keptFolder } from '../support/scratch-folder.ts';

let folder: KeptFolder;
let engine: LongCommand;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  folder = await keptFolder();
  engine = startSlipway(['serve', '--port', '0', '--workers', '0', '--data', folder.path]);
  const [, url] = await engine.line(/Slipway runs at (\S+)/);
  browser = await launchBrowser();
  page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(url ?? '');
});

afterAll(async () => {
  await browser?.close();
  await engine?.stop();
  await folder?.remove();
});

test('says that it could not be shown, leaves the others, and comes back when the page is loaded again', async () => {
  const chunk = /\/assets\/capacity-view-[^/]+\.js$/;
  await page.route(chunk, route => route.abort());
  await page.getByRole('link', { name: 'Capacity' }).click();
  const notice = page.getByRole('main').getByRole('alert');
  await notice.waitFor();
  expect(await notice.textContent()).toContain('This view could not be shown');
  await page.getByRole('link', { name: 'Swarm', exact: true }).click();
  await page.getByRole('main').getByText('Nothing is seeded yet').waitFor();
  expect(await notice.count()).toBe(0);

  await page.unroute(chunk);
  await page.getByRole('link', { name: 'Capacity' }).click();
  await page.getByRole('button', { name: 'Load the page again' }).click();
  await page.getByRole('main').getByText('1,500 s').first().waitFor();
});
