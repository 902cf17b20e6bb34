/** The log of a job as a person uses it: a million lines, searched, followed and jumped through in a real browser; hostile output included. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { accessibilityProblemsInAllLooks } from '../support/accessibility.ts';
import { launchBrowser } from '../support/browser.ts';
import { type LongCommand, projectRoot, slipway, startSlipway } from '../support/cli.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { type KeptFolder, keptFolder } from '../support/scratch-folder.ts';

/** Titles, replies, clipboard, links, screen switches, in ESC and C1 form: what a terminal would act on. */
const hostile = [
  '\u001b]0;owned-title\u0007',
  '\u001b]2;owned-title\u001b\\',
  '\u001b]52;c;b3duZWQ=\u0007',
  '\u001b]8;;https://evil.test/\u0007harmless words\u001b]8;;\u0007',
  '\u001b[c\u001b[6n\u001b[>q\u001bP$qm\u001b\\\u001b[21t',
  '\u001b[?1049h\u001b[2J\u001b[H\u001b[8m\u009b6n\u009d0;owned-title\u009c',
];
const build = String.raw`
import { writeFileSync, mkdirSync } from 'node:fs';
mkdirSync('dist', { recursive: true });
writeFileSync('dist/index.html', 'x');
for (const text of ${JSON.stringify(hostile)}) console.log('before ' + text + ' after');
console.log('see https://example.com/pier?berth=3, please');
let lines = '';
for (let n = 1; n <= 1_000_000; n += 1) {
  lines += '\u001b[32m✓\u001b[0m unit ' + n + (n === 654_321 ? ' the NEEDLE of the stack' : '') + '\n';
  if (lines.length > 500_000) { if (!process.stdout.write(lines)) await new Promise(done => process.stdout.once('drain', done)); lines = ''; }
}
process.stdout.write(lines);
console.log('error: the pier is closed');
process.exitCode = 1;
`;

let folder: KeptFolder;
let git: GitServer;
let host: LongCommand;
let browser: Browser;
let page: Page;
const pageErrors: string[] = [];
const opened: string[] = [];

const data = () => ['--data', join(folder.path, 'data')];
/** A line as the terminal draws it, where a blank may be one that does not break. */
const row = (text: RegExp) =>
  page.locator('.xterm-rows > div', { hasText: new RegExp(text.source.replaceAll(' ', '\\s')) }).first();
const field = () => page.getByRole('textbox', { name: 'Search the whole log' });
const runs = async (title: string) => {
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill(title);
  await page.getByRole('option', { name: title }).first().waitFor();
  await page.keyboard.press('Enter');
};

beforeAll(async () => {
  folder = await keptFolder();
  git = await startGitServer();
  const repository = await git.createRepository('stack');
  const pipeline = 'isolation: none\nsteps:\n  - { name: Units, run: node build.mjs }\nartifact: [dist]\n';
  await repository.commit({ 'build.mjs': build, 'slipway.yml': pipeline }, 'Print a million lines');
  host = startSlipway(['serve', '--port', '0', ...data()]);
  const [, url = ''] = await host.line(/Slipway runs at (\S+)/);
  await slipway(['repo', 'add', repository.url, ...data()]);
  const job = async () => (await slipway(['job', 'wait', '1', ...data()])).stdout;
  while (!/Job 1 failed/.test(await job())) await new Promise(resolve => setTimeout(resolve, 200));
  browser = await launchBrowser();
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    bypassCSP: true,
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  // Nothing leaves this machine: what would be opened is noted and answered here.
  await context.route(/^https?:\/\/(?!127\.0\.0\.1)/, route => {
    opened.push(route.request().url());
    return route.fulfill({ body: 'elsewhere' });
  });
  page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on('pageerror', error => pageErrors.push(error.message));
  await page.goto(url);
  const { id } = JSON.parse((await slipway(['job', 'show', '1', '--json', ...data()])).stdout);
  await page.evaluate(job => {
    location.hash = `#/jobs/${job}`;
  }, id);
});

afterAll(async () => {
  await browser?.close();
  await host?.stop();
  await git?.stop();
  await folder?.remove();
});

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  await page.screenshot({ path: join(projectRoot, 'test-results', `${task.name.replace(/\W+/g, '-')}.png`) });
});

test('a failed job opens at its error, whose line has its number in the whole log', async () => {
  await row(/error: the pier is closed/).waitFor();
  await page
    .getByText(/^1,000,0\d\d$/)
    .first()
    .waitFor();
  await page.getByText(/^1,000,0\d\d lines, /).waitFor();
});

test('search finds a line that was never loaded, and goes there', async () => {
  await page.locator('body').press('/');
  await expect.poll(() => field().evaluate(element => element === document.activeElement)).toBe(true);
  await field().fill('needle of');
  await page.getByText('1 of 1', { exact: true }).waitFor();
  await row(/unit 654321 the NEEDLE of the stack/).waitFor();
  expect(await accessibilityProblemsInAllLooks(page)).toEqual([]);
  await page.getByRole('button', { name: 'Match capital letters' }).click();
  await page.getByText(/^none in 1,000,0\d\d lines$/).waitFor();
  await page.getByRole('button', { name: 'Match capital letters' }).click();
});

test('Enter and Shift+Enter go through the matches, round their ends', async () => {
  await field().fill('unit 99999');
  // From the line in sight on.
  await page.getByText('2 of 11', { exact: true }).waitFor();
  await row(/unit 999990(\D|$)/).waitFor();
  await field().press('Shift+Enter');
  await row(/unit 99999(\D|$)/).waitFor();
  await field().press('Shift+Enter');
  await page.getByText('11 of 11', { exact: true }).waitFor();
  await row(/unit 999999(\D|$)/).waitFor();
  await field().press('Enter');
  await page.getByText('1 of 11', { exact: true }).waitFor();
  await field().press('Escape');
  expect(await field().inputValue()).toBe('');
});

test('the log goes to its beginning, to a step and to its end', async () => {
  await runs('Go to the beginning of the log');
  await row(/before.*after/)
    .first()
    .waitFor();
  await page.getByText('Part of the log: more is below.').waitFor();
  await runs('Go to the end of the log');
  await row(/error: the pier is closed/).waitFor();
  await page.getByRole('button', { name: 'Units' }).click();
  await row(/before.*after/)
    .first()
    .waitFor();
});

test('what a terminal would act on does nothing: no title, no reply, no clipboard, no hidden link', async () => {
  await page.evaluate(() => navigator.clipboard.writeText('mine'));
  await runs('Go to the beginning of the log');
  await row(/harmless words/).waitFor();
  expect(await page.title()).not.toContain('owned');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('mine');
  const shown = (await page.locator('.xterm-rows').allTextContents()).join('');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is there is the point
  expect(shown.replaceAll('\u00a0', ' ')).not.toMatch(/owned|b3duZWQ|[\u0000-\u0008\u000b-\u001f\u0080-\u009f]/);
  expect(
    await row(/harmless words/)
      .locator('a')
      .count(),
  ).toBe(0);
  expect(await page.locator('.xterm-helper-textarea').inputValue()).toBe('');
});

test('an address is opened only after asking', async () => {
  const box = await row(/see https:\/\/example/).boundingBox();
  const [x, y] = [(box?.x ?? 0) + 100, (box?.y ?? 0) + 8];
  await page.mouse.move(x, y);
  await page.locator('.xterm-cursor-pointer').waitFor();
  await page.mouse.click(x, y);
  const dialog = page.getByRole('dialog', { name: 'Open this address?' });
  await dialog.getByText('https://example.com/pier?berth=3', { exact: true }).waitFor();
  expect(opened).toEqual([]);
  expect(await accessibilityProblemsInAllLooks(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await runs('Open an address in sight');
  const again = page.getByRole('dialog', { name: /address/i });
  const popup = page.waitForEvent('popup');
  await again.getByRole('button', { name: 'Open in the browser' }).click();
  const other = await popup;
  await other.waitForURL(/example\.com/);
  expect(opened).toEqual(['https://example.com/pier?berth=3']);
  expect(await other.evaluate(() => [window.opener === null, document.referrer])).toEqual([true, '']);
  await other.close();
});

test('copy, plain text and download give the log without its colours', async () => {
  await runs('Copy the log');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/✓ unit 1\n✓ unit 2\n/);
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download the whole log' }).click();
  const text = await readFile(await (await downloading).path(), 'utf8');
  expect(text.split('\n').length).toBeGreaterThan(1_000_000);
  expect(text).toContain('unit 654321 the NEEDLE of the stack');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is there is the point
  expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
  await page.getByRole('button', { name: 'Plain text' }).click();
  await page.getByRole('log').getByText('unit 1').first().waitFor();
  expect(pageErrors).toEqual([]);
});

test('the command line searches the same', async () => {
  const outcome = await slipway(['job', 'log', '1', '--search', 'needle', ...data()]);
  expect(outcome.stdout).toMatch(/^\d+: ✓ unit 654321 the NEEDLE of the stack\n$/);
  expect(outcome.stderr).toMatch(/1 of 1000\d\d\d lines hold "needle"/);
  const json = JSON.parse(
    (await slipway(['job', 'log', '1', '--search', 'NEEDLE', '--match-case', '--json', ...data()])).stdout,
  );
  expect(json).toMatchObject({ total: 1, next: null });
  const wrong = await slipway(['job', 'log', '1', '--search', '', ...data()]);
  expect(wrong.exitCode).toBe(1);
  expect(wrong.stderr).toContain('input.invalid');
});
