/** A page that was away: offline for half a minute, and over a restart of the engine. What it shows then is right, whole and single. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page, WebSocketRoute } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { launchBrowser } from '../support/browser.ts';
import { type LongCommand, projectRoot, slipway, startSlipway } from '../support/cli.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { type KeptFolder, keptFolder } from '../support/scratch-folder.ts';

/** As long as a lid is closed for a moment, and longer than any wait of the page between its attempts. */
const awayMs = 30_000;
const pipeline = 'isolation: none\nsteps:\n  - { name: Say, run: echo built }\nartifact: [slipway.yml]\n';
const jobsSchema = z.array(z.object({ number: z.number(), status: z.string() }));

let folder: KeptFolder;
let git: GitServer;
let host: LongCommand;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let port = '';
const pageErrors: string[] = [];
/** The browser's own emulation refuses new connections and leaves open ones: these are closed beside it. */
const sockets = new Set<WebSocketRoute>();

const data = () => ['--data', join(folder.path, 'data')];

async function addRepository(name: string, steps = pipeline): Promise<void> {
  const repository = await git.createRepository(name);
  await repository.commit({ 'slipway.yml': steps }, `Begin ${name}`);
  const added = await slipway(['repo', 'add', repository.url, ...data()]);
  expect(added.exitCode, added.stderr).toBe(0);
}

/** The jobs as the engine tells them, when all have ended. */
async function endedJobs(): Promise<z.output<typeof jobsSchema>> {
  for (;;) {
    const { stdout } = await slipway(['job', 'list', '--json', ...data()]);
    const jobs = jobsSchema.parse(JSON.parse(stdout));
    if (jobs.every(job => job.status === 'succeeded' || job.status === 'failed')) return jobs;
  }
}

/** The jobs as the page lists them: each row's number and outcome, from the top. */
function shownJobs(): Promise<{ number: number; status: string }[]> {
  return page.locator('main tr[aria-rowindex]:not([aria-rowindex="1"])').evaluateAll(rows =>
    rows.map(row => ({
      number: Number(row.querySelector('[aria-label^="Job "]')?.textContent),
      status: /succeeded/.test(row.textContent ?? '')
        ? 'succeeded'
        : /failed/.test(row.textContent ?? '')
          ? 'failed'
          : 'other',
    })),
  );
}

/** How long it takes from now until the page is online and shows `jobs`, each once. Printed; a bound of it is no business of a test. */
async function untilRight(what: string, jobs: z.output<typeof jobsSchema>): Promise<void> {
  const startedAt = performance.now();
  const wanted = jobs.map(({ number, status }) => ({ number, status }));
  await expect.poll(shownJobs, { timeout: 30_000, interval: 20 }).toEqual(wanted);
  console.log(`${what}: right after ${Math.round(performance.now() - startedAt)} ms`);
}

/** What the page says while it is away. */
const lost = () => page.getByText(/The connection to the engine was lost|The engine does not answer/);

function startHost(): LongCommand {
  return startSlipway(['serve', '--port', port || '0', '--workers', '1', ...data()]);
}

beforeAll(async () => {
  folder = await keptFolder();
  git = await startGitServer();
  host = startHost();
  const [, url = ''] = await host.line(/Slipway runs at (\S+)/);
  port = new URL(url).port;
  await addRepository('quay');
  await endedJobs();
  browser = await launchBrowser();
  context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  await context.routeWebSocket('**/rpc', socket => {
    socket.connectToServer();
    sockets.add(socket);
  });
  page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on('pageerror', error => pageErrors.push(error.message));
  await page.goto(url);
  await page.getByRole('link', { name: 'Jobs' }).first().click();
  await page.getByRole('link', { name: 'Job 1' }).waitFor();
});

afterAll(async () => {
  await browser?.close();
  await host?.stop();
  await git?.stop();
  await folder?.remove();
});

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  await mkdir(join(projectRoot, 'test-results'), { recursive: true });
  await page.screenshot({ path: join(projectRoot, 'test-results', `${task.name.replace(/\W+/g, '-')}.png`) });
});

test('half a minute offline: jobs and a failure of meanwhile are there, each once', async () => {
  await context.setOffline(true);
  for (const socket of sockets) await socket.close();
  await lost().waitFor();
  const backAt = Date.now() + awayMs;
  await addRepository('mole');
  await addRepository('broken', 'isolation: none\nsteps:\n  - { name: Say, run: exit 3 }\nartifact: [slipway.yml]\n');
  const jobs = await endedJobs();
  await page.waitForTimeout(Math.max(0, backAt - Date.now()));
  await context.setOffline(false);
  await untilRight('half a minute offline', jobs);
  await page.getByRole('button', { name: 'Notifications: 1 unread' }).click();
  const notices = page.getByRole('dialog').getByRole('listitem');
  await notices.first().waitFor();
  expect(await notices.count()).toBe(1);
  await page.keyboard.press('Escape');
});

test('a restart of the engine on its port and folder: the page comes back by itself, nothing missed, nothing twice', async () => {
  await host.stop();
  await lost().waitFor();
  host = startHost();
  await host.line(/Slipway runs at (\S+)/);
  const startedAt = performance.now();
  await lost().waitFor({ state: 'detached' });
  console.log(`the engine restarted: online after ${Math.round(performance.now() - startedAt)} ms`);
  await addRepository('pier');
  const jobs = await endedJobs();
  await untilRight('the engine restarted', jobs);
  expect(await page.getByRole('alert').count()).toBe(0);
  expect(pageErrors).toEqual([]);
});
