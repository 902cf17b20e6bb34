/** The whole journey as a person drives it: in a real browser, against the built engine, with real agents beside it. */

import { mkdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { accessibilityProblemsInAllLooks, accessibilityProblems as problemsOf } from '../support/accessibility.ts';
import { launchBrowser } from '../support/browser.ts';
import { type LongCommand, projectRoot, slipway, startSlipway } from '../support/cli.ts';
import { type GitServer, startGitServer, type TestRepository } from '../support/git-server.ts';
import { type KeptFolder, keptFolder } from '../support/scratch-folder.ts';

const rowSchema = z.array(z.object({ id: z.string(), name: z.string() }));
const regions = [
  { name: 'Frankfurt', latitude: '50.11', longitude: '8.68' },
  { name: 'Oregon', latitude: '45.6', longitude: '-121.18' },
  { name: 'Singapore', latitude: '1.35', longitude: '103.82' },
];
/** Prints half of what it has to say, and the rest when the file `seen` is there: however slow the machine, it is watched live. */
const watchedBuild = (seen: string) => `
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
for (let tick = 1; tick <= 12; tick += 1) {
  console.log('\\u001b[32mtick ' + tick + '\\u001b[0m of twelve');
  while (tick === 6 && !existsSync(${JSON.stringify(seen)})) await new Promise(resolve => setTimeout(resolve, 50));
}
mkdirSync('dist', { recursive: true });
writeFileSync('dist/index.html', readFileSync('page.html'));
`;
// It waits for a file outside of its tree.
const pipeline = `isolation: none
steps:
  - name: Tick
    run: node build.mjs
artifact:
  - dist
`;

let folder: KeptFolder;
const seenFile = () => join(folder.path, 'log-was-seen');
let git: GitServer;
let repository: TestRepository;
let host: LongCommand;
let browser: Browser;
let page: Page;
const agents: LongCommand[] = [];
const pageErrors: string[] = [];

async function command(...args: string[]): Promise<string> {
  const outcome = await slipway([...args, '--data', join(folder.path, 'data')]);
  expect(outcome.stderr + outcome.stdout, `slipway ${args.join(' ')}`).not.toContain('at Object.');
  expect(outcome.exitCode, outcome.stderr).toBe(0);
  return outcome.stdout;
}

async function open(view: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name: view }).first().click();
  await page.locator('nav [aria-current]', { hasText: view }).waitFor();
}

/** A line of the log as the terminal draws it. */
function logLine(text: RegExp) {
  return page.locator('.xterm-rows > div', { hasText: text });
}

const accessibilityProblems = () => problemsOf(page);

beforeAll(async () => {
  folder = await keptFolder();
  git = await startGitServer();
  repository = await git.createRepository('tide-table');
  await repository.commit(
    { 'build.mjs': watchedBuild(seenFile()), 'page.html': '<h1>High water 06:12</h1>', 'slipway.yml': pipeline },
    'Print the tide table',
  );
  host = startSlipway(['serve', '--port', '0', '--data', join(folder.path, 'data')]);
  const [, url] = await host.line(/Slipway runs at (\S+)/);
  browser = await launchBrowser();
  // The page's own policy allows no foreign script; axe is injected past it.
  const viewport = { width: 1440, height: 900 };
  // Half-faded colours are what axe would measure in the middle of a transition.
  const context = await browser.newContext({ viewport, bypassCSP: true, reducedMotion: 'reduce' });
  page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on('pageerror', error => pageErrors.push(error.message));
  await page.goto(url ?? '');
});

afterAll(async () => {
  await browser?.close();
  await Promise.all(agents.map(agent => agent.stop()));
  await host?.stop();
  await git?.stop();
  await folder?.remove();
});

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  await page.screenshot({ path: join(projectRoot, 'test-results', `${task.name.replace(/\W+/g, '-')}.png`) });
});

describe('a commit becomes a release on two machines', () => {
  test('first run offers the sample project and adding a repository', async () => {
    await page.getByRole('button', { name: 'Try the sample project' }).waitFor();
    expect(await accessibilityProblems()).toEqual([]);
  });

  test('a wrong URL is refused with words that help, and nothing is saved', async () => {
    await page.getByRole('button', { name: 'Add a repository' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a repository' });
    await dialog.getByLabel('URL or path').fill('http://127.0.0.1:9/nothing.git');
    await dialog.getByRole('button', { name: 'Look' }).click();
    await dialog.getByText('git.unreachable').waitFor();
    expect(await command('repo', 'list', '--json')).toBe('[]\n');
  });

  test('three regions are added', async () => {
    for (const region of regions) {
      const store = join(folder.path, 'regions', region.name);
      await mkdir(store, { recursive: true });
      await command(
        'region',
        'add',
        region.name,
        '--store',
        store,
        '--latitude',
        region.latitude,
        `--longitude=${region.longitude}`,
      );
    }
  });

  test('the repository is added in the interface, with its branch and plan shown first', async () => {
    const dialog = page.getByRole('dialog', { name: 'Add a repository' });
    await dialog.getByLabel('URL or path').fill(repository.url);
    await dialog.getByRole('button', { name: 'Look' }).click();
    await dialog.getByText('node build.mjs').waitFor();
    expect(await accessibilityProblems()).toEqual([]);
    await dialog.getByLabel('Name').fill('tide-table');
    await dialog.getByRole('button', { name: 'Add repository' }).click();
    await page.getByRole('heading', { name: /^tide-table/ }).waitFor();
  });

  test('the log is seen live, while the job runs', async () => {
    await page.getByRole('link', { name: 'Job 1' }).click();
    await logLine(/tick 2.of twelve/).waitFor();
    const running = JSON.parse(await command('job', 'show', '1', '--json'));
    expect(running.status).toBe('running');
    await writeFile(seenFile(), '');
    await logLine(/tick 12.of twelve/).waitFor();
    await page.getByRole('heading', { name: 'Built and stored' }).waitFor();
    expect(await accessibilityProblems()).toEqual([]);
  });

  test('every region is verified on the map', async () => {
    await open('Regions');
    const map = page.getByRole('region', { name: 'Regions' });
    for (const region of regions) {
      await map
        .getByRole('row', { name: new RegExp(`${region.name}.*verified`, 's') })
        .first()
        .waitFor();
    }
    await page.getByText('3 verified').waitFor();
    expect(await accessibilityProblems()).toEqual([]);
  });

  test('two machines are paired and report', async () => {
    const [row] = rowSchema.parse(JSON.parse(await command('repo', 'list', '--json')));
    const status = JSON.parse(await command('status', '--json'));
    for (const [index, region] of ['Frankfurt', 'Oregon'].entries()) {
      const name = `pier-${index + 1}`;
      const pairing = JSON.parse(await command('machine', 'pair', 'tide-table', name, '--region', region, '--json'));
      agents.push(
        startSlipway([
          ...[
            'agent',
            '--store',
            join(folder.path, 'regions', region),
            '--repository',
            row?.id ?? '',
            '--channel',
            'production',
          ],
          ...['--root', join(folder.path, 'machines', name), '--key', status.rootPublicKey, '--pair', pairing.secret],
          ...['--name', name, '--region', region, '--interval', '1'],
        ]),
      );
    }
    await open('Machines');
    await page.getByRole('row', { name: /pier-1/ }).waitFor();
    await page.getByRole('row', { name: /pier-2/ }).waitFor();
  });

  test('promote: both machines run release 1', async () => {
    await promote();
    await machinesAt(1);
    expect(await pageOf('pier-1')).toContain('06:12');
    expect(await accessibilityProblems()).toEqual([]);
  });

  test('a second commit is seen by the poller itself, and promoted', async () => {
    await repository.commit({ 'page.html': '<h1>High water 18:40</h1>' }, 'Print the evening tide');
    await open('Jobs');
    await page.getByRole('row', { name: /Print the evening tide.*succeeded/s }).waitFor({ timeout: 60_000 });
    await open('Machines');
    await promote();
    await machinesAt(2);
    expect(await pageOf('pier-2')).toContain('18:40');
  });

  test('roll back: both machines are on the first artifact again, as release 3', async () => {
    await page.getByRole('button', { name: 'Roll back production' }).click();
    const dialog = page.getByRole('dialog', { name: /Roll back tide-table/ });
    await dialog.getByText('It becomes release 3').waitFor();
    expect(await accessibilityProblems()).toEqual([]);
    await dialog.getByLabel('Reason, kept with the release').fill('the evening tide is wrong');
    await dialog.getByRole('button', { name: 'Roll back to 1' }).click();
    await machinesAt(3);
    expect(await pageOf('pier-1')).toContain('06:12');
    expect(await pageOf('pier-2')).toContain('06:12');
    const machines = JSON.parse(await command('machine', 'list', '--json'));
    for (const machine of machines) expect(machine.bytes).toMatchObject({ peers: 0, region: 0 });
  });

  test('the timeline tells each machine’s time, and capacity what was measured', async () => {
    await open('Repositories');
    await page.getByRole('link', { name: 'tide-table' }).first().click();
    await page.getByRole('button', { name: 'Each region and machine of job 1' }).click();
    await page.getByText(/pier-1 \(production 1\)/).waitFor();
    await page.getByText('Singapore').first().waitFor();
    expect(await accessibilityProblemsInAllLooks(page), 'repository').toEqual([]);
    const timeline = JSON.parse(await command('repo', 'timeline', 'tide-table', '--json'));
    expect(timeline.revisions).toHaveLength(2);
    for (const { stages, machines } of timeline.revisions) {
      for (const stage of stages.slice(1)) expect(stage.durationMs, stage.stage).toBeGreaterThanOrEqual(0);
      expect(machines.map((machine: { name: string }) => machine.name).sort()).toEqual(['pier-1', 'pier-2']);
    }
    await open('Capacity');
    await page.getByRole('heading', { name: '25 workers for 1,000 deploys a day' }).waitFor();
    await page.getByText(/2 builds measured here/).waitFor();
    await page.getByRole('slider', { name: 'Deploys a day' }).press('End');
    await page.getByRole('heading', { name: '2,500 workers for 100,000 deploys a day' }).waitFor();
    const view = JSON.parse(await command('capacity', '--json'));
    expect(view).toMatchObject({ assumed: { workers: 25 }, measured: { builds: 2 } });
  });

  test('every command is reached by the keyboard, from the palette', async () => {
    for (const view of views) {
      await open(view);
      await page.keyboard.press('Control+k');
      const options = page.getByRole('option');
      // Objects are fetched as the palette opens: the list is whole when each kind is there.
      for (const kind of ['repository', 'job', 'region', 'machine']) {
        await page.locator(`[role=option][data-command^="${kind}.show."]`).first().waitFor();
      }
      const titles = await options.evaluateAll(found => found.map(option => option.getAttribute('data-command') ?? ''));
      expect(titles.length, view).toBeGreaterThan(20);
      const reached = new Set<string>();
      for (const _ of titles) {
        const active = page.locator('[role=option][aria-selected=true]');
        reached.add((await active.getAttribute('data-command')) ?? '');
        await page.keyboard.press('ArrowDown');
      }
      expect([...reached].sort(), view).toEqual([...new Set(titles)].sort());
      await page.keyboard.press('Escape');
      await options.first().waitFor({ state: 'detached' });
    }
  });

  test('every view and panel in every look has no accessibility problem, and the page threw nothing', async () => {
    for (const view of views) {
      await open(view);
      expect(await accessibilityProblemsInAllLooks(page), view).toEqual([]);
    }
    await page.keyboard.press('Control+k');
    await page.getByRole('option').first().waitFor();
    expect(await accessibilityProblemsInAllLooks(page), 'palette').toEqual([]);
    await page.keyboard.press('Escape');
    expect(pageErrors).toEqual([]);
  });
});

const views = ['Overview', 'Repositories', 'Jobs', 'Regions', 'Swarm', 'Machines', 'Capacity', 'Settings'] as const;

async function promote(): Promise<void> {
  await page.getByRole('button', { name: 'Promote on production' }).click();
  const dialog = page.getByRole('dialog', { name: /Promote tide-table/ });
  await dialog.getByRole('button', { name: /^Promote/ }).click();
  await dialog.waitFor({ state: 'detached' });
}

async function machinesAt(serial: number): Promise<void> {
  for (const name of ['pier-1', 'pier-2']) {
    await page.getByRole('row', { name: new RegExp(`${name}.*\\b${serial}\\b.*active`, 's') }).waitFor();
  }
}

/** What the machine really serves: through `current`, as a web server would read it. */
async function pageOf(machine: string): Promise<string> {
  const root = join(folder.path, 'machines', machine);
  expect(basename(await readlink(join(root, 'current')))).toMatch(/^[0-9a-f]{64}$/);
  return readFile(join(root, 'current/dist/index.html'), 'utf8');
}
