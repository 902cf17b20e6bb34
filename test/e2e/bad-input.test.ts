/** Bad input, against the built product: each gets a clear error in command line and interface, and loses nothing. */

import { rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { launchBrowser } from '../support/browser.ts';
import { type LongCommand, projectRoot, slipway, startSlipway } from '../support/cli.ts';
import { type GitServer, git, startGitServer, type TestRepository } from '../support/git-server.ts';
import { type Commands, commandsFor, expectNoStack, refusal, rowsSchema } from '../support/refusals.ts';
import { type KeptFolder, keptFolder } from '../support/scratch-folder.ts';

/** Builds once the file that it asks for is there. */
const build = (flag: string) => `
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
if (!existsSync(${JSON.stringify(flag)})) { console.error('the mould is missing'); process.exit(3); }
mkdirSync('dist', { recursive: true });
writeFileSync('dist/hull.txt', 'a hull');
`;
// It waits for a file outside of its tree.
const pipeline = 'isolation: none\nsteps:\n  - name: Cast\n    run: node build.mjs\nartifact:\n  - dist\n';

let folder: KeptFolder;
let data: string;
let flag: string;
let publicServer: GitServer;
let privateServer: GitServer;
let foundry: TestRepository;
let engine: LongCommand;
let engineUrl: URL;
let commands: Commands;
let browser: Browser;
let page: Page;
const pageErrors: string[] = [];

const repositories = () => commands.json(rowsSchema, 'repo', 'list');

beforeAll(async () => {
  folder = await keptFolder();
  data = join(folder.path, 'data');
  flag = join(folder.path, 'mould');
  commands = commandsFor(data);
  [publicServer, privateServer] = await Promise.all([
    startGitServer(),
    startGitServer({ auth: { user: 'ada', password: 'not given' } }),
  ]);
  foundry = await publicServer.createRepository('foundry');
  await foundry.commit({ 'build.mjs': build(flag), 'slipway.yml': 'stepz:\n  - run: x\n' }, 'Cast the hull');
  engine = startSlipway(['serve', '--port', '0', '--workers', '1', '--data', data]);
  const [, url] = await engine.line(/Slipway runs at (\S+)/);
  engineUrl = new URL(url ?? '');
  browser = await launchBrowser();
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.setDefaultTimeout(20_000);
  page.on('pageerror', error => pageErrors.push(error.message));
  await page.goto(engineUrl.href);
});

afterAll(async () => {
  await browser?.close();
  await engine?.stop();
  await Promise.all([publicServer?.stop(), privateServer?.stop()]);
  await folder?.remove();
});

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  await page.screenshot({ path: join(projectRoot, 'test-results', `${task.name.replace(/\W+/g, '-')}.png`) });
});

describe('the command line used wrongly', () => {
  test('ends with exit code 2, names what is wrong, and says how to get help', async () => {
    const cases: [args: string[], words: RegExp][] = [
      [['repo', 'ad'], /unknown command 'ad'[\s\S]*Did you mean add/],
      [['repo'], /command is missing/],
      [['serve', '--bogus'], /unknown option '--bogus'/],
      [['serve', '--port', '99999'], /whole number from 0 to 65535/],
      [['repo', 'add'], /missing required argument 'url'/],
      [['region', 'add', 'x', '--store', '/x', '--latitude', 'north', '--longitude', '1'], /degrees from -90 to 90/],
      [['channel', 'x', 'y', '--policy', 'sometimes'], /manual, auto/],
      [['agent', '--channel', 'production'], /required option '--store/],
      [['agent', '--repository', 'foundry'], /the id that "slipway repo list" shows/],
    ];
    await Promise.all(
      cases.map(async ([args, words]) => {
        const error = await refusal(args, 2);
        expect(error).toMatchObject({ code: 'input.invalid', message: expect.stringMatching(words) });
      }),
    );
  });

  test('what is not there is named: folder, engine, repository, job, machine, region', async () => {
    const nowhere = join(folder.path, 'nowhere');
    const found = await Promise.all([
      refusal(['plan', nowhere]),
      refusal(['status', '--data', nowhere]),
      ...[
        ['repo', 'build', 'nothing'],
        ['job', 'show', 'nothing'],
        ['machine', 'remove', 'nothing'],
        ['region', 'retry', 'nothing'],
      ].map(args => commands.refusal(...args)),
    ]);
    expect(found.map(error => error.code)).toEqual([
      'not_found',
      'host.not_running',
      ...['not_found', 'not_found', 'not_found', 'not_found'],
    ]);
    expect(found[0]?.message).toContain(nowhere);
    expect(found[1]?.message).toContain('slipway serve');
  });
});

describe('a repository that cannot be added', () => {
  const cases: [name: string, url: () => string, code: string, words: RegExp, branch?: string][] = [
    ['a wrong URL', () => 'svn+ssh:/foundry', 'git.url_invalid', /https:\/\//],
    ['a URL with a password', () => 'https://ada:hunter2@example.test/x', 'git.url_invalid', /Remove it/],
    ['a remote helper', () => 'ext::sh -c id', 'git.url_invalid', /could run any command/],
    ['a path without a repository', () => tmpdir(), 'git.not_found', /holds no Git repository/],
    ['a repository that is not there', () => `${engineUrl.origin}/foundry.git`, 'git.not_found', /HTTP 404/],
    ['a missing branch', () => foundry.url, 'git.branch_missing', /no branch "next"/, 'next'],
    ['a host where nothing listens', () => 'http://127.0.0.1:9/x.git', 'git.unreachable', /Check the address/],
    ['a private repository', () => `${privateServer.origin}/x/.git`, 'git.auth_failed', /credentials/],
  ];
  test('the command line refuses each, in words that help', async () => {
    await Promise.all(
      cases.map(async ([name, url, code, words, branch]) => {
        const error = await commands.refusal('repo', 'add', url(), ...(branch ? ['--branch', branch] : []));
        expect(error, name).toMatchObject({ code, message: expect.stringMatching(words) });
        expect(error.message, name).not.toMatch(/hunter2|tries again/);
      }),
    );
    expect(await repositories()).toEqual([]);
  });

  test('the interface shows the same words, and takes the right URL in the same dialog', async () => {
    await page.getByRole('button', { name: 'Add a repository' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a repository' });
    for (const [, url, code, words, branch] of cases) {
      if (branch) continue;
      await dialog.getByLabel('URL or path').fill(url());
      await dialog.getByRole('button', { name: 'Look', exact: true }).click();
      const alert = dialog.getByRole('alert').filter({ hasText: words });
      await alert.getByText(code).waitFor();
      expect(await alert.textContent()).not.toContain('tries again');
    }
    expect(await repositories()).toEqual([]);
    await dialog.getByLabel('URL or path').fill(foundry.url);
    await dialog.getByRole('button', { name: 'Look', exact: true }).click();
    // The plan's own problem is shown before anything is saved.
    await dialog.getByText('did you mean "steps"?').waitFor();
    await dialog.getByRole('button', { name: 'Add repository' }).click();
    await page.getByRole('heading', { name: /^foundry/ }).waitFor();
    expect(await repositories()).toMatchObject([{ name: 'foundry', pollError: null }]);
  });

  test('a second time is a conflict', async () => {
    const error = await commands.refusal('repo', 'add', foundry.url);
    expect(error).toMatchObject({ code: 'conflict', message: expect.stringContaining('foundry') });
    expect(await repositories()).toHaveLength(1);
  });
});

describe('a watched repository that goes wrong', () => {
  test('its server or branch going away is said, and passes when it is back', async () => {
    const away: [code: string, leave: () => Promise<unknown>, back: () => Promise<unknown>][] = [
      [
        'git.not_found',
        () => rename(foundry.folder, `${foundry.folder}-away`),
        () => rename(`${foundry.folder}-away`, foundry.folder),
      ],
      [
        'git.branch_missing',
        () => git(foundry.folder, 'branch', '-m', 'main', 'trunk'),
        () => git(foundry.folder, 'branch', '-m', 'trunk', 'main'),
      ],
    ];
    for (const [code, leave, back] of away) {
      await leave();
      expect(await commands.refusal('repo', 'poll', 'foundry')).toMatchObject({ code });
      await page.getByRole('alert').getByText(code).waitFor();
      await back();
      await commands.json(z.unknown(), 'repo', 'poll', 'foundry');
      await page.getByRole('alert').waitFor({ state: 'detached' });
    }
    expect(await repositories()).toMatchObject([{ name: 'foundry', pollError: null }]);
  });

  test('a broken slipway.yml fails the job with file, line and the key that was meant', async () => {
    expect(await commands.ended(1)).toMatchObject({
      status: 'failed',
      error: { code: 'pipeline.invalid', message: expect.stringMatching(/slipway\.yml.*1.*did you mean "steps"/s) },
    });
    await page.getByRole('link', { name: 'Job 1' }).click();
    await page.getByRole('region', { name: 'Cause' }).getByText('pipeline.invalid').waitFor();
  });

  test('a step that fails is named with its exit code and log; a retry after the fix succeeds', async () => {
    await foundry.commit({ 'slipway.yml': pipeline }, 'Name the steps');
    await commands.json(z.unknown(), 'repo', 'poll', 'foundry');
    expect(await commands.ended(2)).toMatchObject({
      status: 'failed',
      error: { code: 'step.failed', message: expect.stringMatching(/"Cast".*exit code 3/) },
    });
    const log = await slipway(['job', 'log', '2', '--data', data]);
    expect(log.stdout).toContain('the mould is missing');
    expectNoStack(log);
    await page.getByRole('navigation').getByRole('link', { name: 'Jobs' }).first().click();
    await page
      .getByRole('row', { name: /Name the steps/ })
      .getByRole('link')
      .first()
      .click();
    const cause = page.getByRole('region', { name: 'Cause' });
    await cause.getByText('step.failed').waitFor();
    await cause.getByText('the mould is missing', { exact: true }).waitFor();
    const shown = await slipway(['job', 'show', '2', '--data', data]);
    expect(shown.stdout).toMatch(/^First error, at byte \d+ of the log: the mould is missing$/m);
    const tests = await slipway(['job', 'tests', '2', '--data', data]);
    expect(tests.stdout).toContain('No step of this attempt wrote a JUnit report.');
    await page.getByRole('tab', { name: 'Tests' }).click();
    await page.getByText('No test report').waitFor();
    await cause.getByRole('button', { name: 'Jump to first error' }).click();
    await page.getByRole('tab', { name: 'Log', selected: true }).waitFor();
    await writeFile(flag, '');
    await cause.getByRole('button', { name: 'Retry as attempt 2' }).click();
    await page.getByRole('heading', { name: 'Built and stored' }).waitFor();
    expect(await commands.ended(2)).toMatchObject({ status: 'succeeded', attempt: 2, error: null });
  });

  test('the page threw nothing', () => {
    expect(pageErrors).toEqual([]);
  });
});
