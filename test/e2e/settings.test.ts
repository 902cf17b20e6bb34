/** Backup, interchange and notifications as a person sets them up in a real browser, and the backup restored by the built commands. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accessibilityProblemsInAllLooks } from '../support/accessibility.ts';
import { launchBrowser } from '../support/browser.ts';
import { type LongCommand, projectRoot, slipway, startSlipway } from '../support/cli.ts';
import { type KeptFolder, keptFolder } from '../support/scratch-folder.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

let folder: KeptFolder;
let host: LongCommand;
let browser: Browser;
let page: Page;
const data = () => ['--data', join(folder.path, 'data')];

beforeAll(async () => {
  folder = await keptFolder();
  host = startSlipway(['serve', '--port', '0', '--workers', '1', ...data()]);
  const [, url = ''] = await host.line(/(http:\S+)/);
  expect((await slipway(['repo', 'add-sample', ...data()])).exitCode).toBe(0);
  browser = await launchBrowser();
  const context = await browser.newContext({ bypassCSP: true, permissions: ['notifications'] });
  page = await context.newPage();
  await page.goto(url);
  await page.evaluate(() => {
    location.hash = '#/settings';
  });
});

afterAll(async () => {
  await browser?.close();
  await host?.stop();
  await folder?.remove();
});

test('a backup is made in the interface, and restored by the commands into a folder that an engine starts on', async () => {
  const file = join(folder.path, 'monday.tar.zst');
  const field = page.getByRole('textbox', { name: "File on the engine's machine" });
  await field.fill(join(folder.path, 'data', 'inside'));
  await page.getByRole('button', { name: 'Back up now' }).click();
  await page.getByText('lies in the data folder').first().waitFor();
  await field.fill(file);
  await page.getByRole('button', { name: 'Back up now' }).click();
  await page.getByText('Last:').waitFor();
  expect(existsSync(file)).toBe(true);
  const restored = ['--data', join(folder.path, 'restored')];
  expect(await slipway(['restore', file, ...restored])).toMatchObject({ exitCode: 0 });
  const second = startSlipway(['serve', '--port', '0', '--workers', '0', ...restored]);
  await second.line(/http:\S+/);
  const listed = await slipway(['repo', 'list', ...restored]);
  await second.stop();
  expect(listed.stdout).toContain('harbour-board');
});

test('a webhook and traces are added, shown by their server alone, and removed', async () => {
  const receiver = await startWebhookReceiver();
  await page.getByText('Tell another service').click();
  const address = page.getByRole('textbox', { name: 'Address' });
  await address.fill(`${receiver.origin}/h1dden`);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText(/whsec_/).waitFor();
  await page.getByRole('button', { name: `Remove Webhook to ${receiver.origin}` }).waitFor();
  expect(await page.getByText('h1dden').count()).toBe(0);
  const engine = new URL(page.url()).origin;
  await address.fill(`${engine}/api/stop`);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText("is Slipway's own API").waitFor();
  await page.getByRole('combobox', { name: 'Kind' }).click();
  await page.getByRole('option', { name: 'Traces' }).click();
  await address.fill(receiver.origin);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('button', { name: `Remove Traces to ${receiver.origin}` }).waitFor();
  expect(await accessibilityProblemsInAllLooks(page)).toEqual([]);
  await page.screenshot({ path: join(projectRoot, 'test-results/settings.png'), fullPage: true });
  for (const kind of ['Webhook', 'Traces']) {
    await page.getByRole('button', { name: `Remove ${kind} to ${receiver.origin}` }).click();
  }
  await page.getByText('Nobody is told of anything').waitFor();
});

test('metrics and notifications are switched on, each repository with its own switches', async () => {
  await page.getByRole('switch', { name: 'Metrics at /metrics' }).click();
  const token = await page.getByText('Its bearer token').locator('code').textContent();
  const scrape = () =>
    fetch(`${new URL(page.url()).origin}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  expect((await scrape()).status).toBe(200);
  await page.getByRole('switch', { name: 'Metrics at /metrics' }).click();
  await expect.poll(async () => (await scrape()).status).toBe(401);
  const shown = page.getByRole('switch', { name: 'Show notifications in this browser' });
  const shownAndOn = shown.and(page.getByRole('switch', { checked: true }));
  await shown.click();
  await shownAndOn.waitFor();
  await page.reload();
  await shownAndOn.waitFor();
  await page.getByRole('link', { name: 'Repositories' }).click();
  await page.getByRole('link', { name: 'harbour-board' }).first().click();
  const failures = page.getByRole('switch', { name: 'Something fails' });
  await failures.click();
  await expect.poll(() => failures.isChecked()).toBe(false);
  await page.reload();
  await failures.waitFor();
  expect(await failures.isChecked()).toBe(false);
  expect(await accessibilityProblemsInAllLooks(page)).toEqual([]);
});
