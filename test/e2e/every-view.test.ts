/** Every view and every dialog of a full installation, as they must hold in a real browser: for any eye, any window, any hand. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createScreenshotWorld, type ScreenshotWorld } from '../screenshots/world.ts';
import { accessibilityProblemsInAllLooks } from '../support/accessibility.ts';
import { launchBrowser } from '../support/browser.ts';
import { projectRoot } from '../support/cli.ts';
import { layoutProblemsInSmallSizes } from '../support/page-layout.ts';

let world: ScreenshotWorld;
let browser: Browser;
let page: Page;
const pageErrors: string[] = [];
/** The commands that any visited place offered in the palette. */
const offered = new Set<string>();

/** A place of the interface: where, what is there once it has its data, and the way to a tab or dialog of it. */
interface Place {
  readonly name: string;
  readonly hash: () => string;
  readonly seen: (page: Page) => Promise<void>;
}

const heading = (name: string | RegExp) => (on: Page) =>
  on
    .getByRole('heading', { name, exact: typeof name === 'string' })
    .first()
    .waitFor();
const words = (name: string | RegExp) => (on: Page) => on.getByText(name).first().waitFor();
/** The panel of the tab before it stays while it fades, so that the panel is asked for by its name. */
const tab = (name: string) => async (on: Page) => {
  await on.getByRole('tab', { name }).click();
  await on.getByRole('tabpanel', { name }).waitFor();
};
const repository = () => `#/repositories/${world.repositoryId}`;

const views: readonly Place[] = [
  { name: 'Overview', hash: () => '#/overview', seen: heading(/^Now running/) },
  { name: 'Repositories', hash: () => '#/repositories', seen: words('Looked at') },
  { name: 'Repository', hash: repository, seen: heading(/^booking-web/) },
  { name: 'Jobs', hash: () => '#/jobs', seen: words('payments-gateway') },
  { name: 'a job that succeeded', hash: () => `#/jobs/${world.goodJob}`, seen: heading('Built and stored') },
  { name: 'a job that failed', hash: () => `#/jobs/${world.failedJob}`, seen: words('Test failed') },
  { name: 'a job that runs', hash: () => `#/jobs/${world.runningJob}`, seen: words(/compiling\sunit/) },
  { name: 'tests of a job', hash: () => `#/jobs/${world.failedJob}`, seen: tab('Tests, 1 failed') },
  { name: 'environment of a job', hash: () => `#/jobs/${world.failedJob}`, seen: tab('Environment') },
  { name: 'components of a job', hash: () => `#/jobs/${world.failedJob}`, seen: tab('Components') },
  { name: 'Regions', hash: () => '#/regions', seen: words('Newest artifacts') },
  { name: 'Swarm', hash: () => '#/swarm', seen: heading('Where machines got their bytes') },
  { name: 'Machines', hash: () => '#/machines', seen: words('europe-app-1') },
  { name: 'Capacity', hash: () => '#/capacity', seen: heading(/workers for/) },
  { name: 'Settings', hash: () => '#/settings', seen: words('Room') },
];

/** Opens a dialog by its button, and waits for it. */
const dialog = (button: string | RegExp) => async (on: Page) => {
  await on.getByRole('button', { name: button }).first().click();
  await on.getByRole('dialog').waitFor();
};

const dialogs: readonly Place[] = [
  {
    name: 'palette',
    hash: () => '#/overview',
    seen: async on => {
      await on.keyboard.press('Control+k');
      await on.getByRole('option').first().waitFor();
    },
  },
  { name: 'notifications', hash: () => '#/overview', seen: dialog(/^Notifications/) },
  { name: 'add a repository', hash: () => '#/repositories', seen: dialog('Add a repository') },
  { name: 'stop watching', hash: repository, seen: dialog('Stop watching') },
  { name: 'add a channel', hash: repository, seen: dialog('Add channel…') },
  { name: 'edit a channel', hash: repository, seen: dialog('Edit production') },
  { name: 'add a variable', hash: repository, seen: dialog('Add variable…') },
  { name: 'add a secret', hash: repository, seen: dialog('Add secret…') },
  { name: 'a variable of a channel', hash: repository, seen: dialog('Variable of production…') },
  { name: 'pair a machine', hash: () => '#/machines', seen: dialog('Pair a machine') },
  { name: 'promote', hash: () => '#/machines', seen: dialog('Promote on production') },
  { name: 'roll back', hash: () => '#/machines', seen: dialog('Roll back production') },
  { name: 'revoke a machine', hash: () => '#/machines', seen: dialog('Revoke machine') },
  { name: 'reclaim', hash: () => '#/settings', seen: dialog(/^Reclaim/) },
];

async function go(place: Place): Promise<void> {
  await page.evaluate(hash => {
    location.hash = hash;
  }, place.hash());
  await place.seen(page);
}

/** The commands in the palette, and those of them that the arrow keys came to. */
async function paletteByArrows(): Promise<{ readonly listed: string[]; readonly reached: string[] }> {
  await page.keyboard.press('Control+k');
  await page.getByRole('option').first().waitFor();
  const ids = () =>
    page.getByRole('option').evaluateAll(found => found.map(option => option.getAttribute('data-command') ?? ''));
  const reached = new Set<string>();
  const before = await ids();
  for (let left = before.length; left > 0; left -= 1) {
    const active = page.locator('[role=option][aria-selected=true]');
    reached.add((await active.getAttribute('data-command')) ?? '');
    await page.keyboard.press('ArrowDown');
  }
  // Objects are fetched as the palette opens, so that some come while the arrows go.
  const after = await ids();
  const listed = after.filter(id => before.includes(id));
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  return { listed, reached: [...reached] };
}

/** The ids that the source gives to commands with a fixed name: `id: 'jobs.cancel'`, and `view.show` of each place. */
async function commandsOfTheSource(): Promise<string[]> {
  const folder = join(projectRoot, 'src-renderer');
  const files = (await readdir(folder, { recursive: true })).filter(file => /\.tsx?$/.test(file));
  const texts = await Promise.all(files.map(file => readFile(join(folder, file), 'utf8')));
  return texts.flatMap(text => [
    ...[...text.matchAll(/^\s+id: '([a-zA-Z]+\.[a-zA-Z]+)',$/gm)].map(found => found[1] ?? ''),
    ...[...text.matchAll(/^\s+goTo\(\{ view: '(\w+)' \}/gm)].map(found => `${found[1]}.show`),
  ]);
}

beforeAll(async () => {
  world = await createScreenshotWorld();
  browser = await launchBrowser();
  const viewport = { width: 1440, height: 900 };
  const context = await browser.newContext({ viewport, bypassCSP: true, reducedMotion: 'reduce' });
  page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on('pageerror', error => pageErrors.push(error.message));
  await page.goto(world.url);
}, 400_000);

afterAll(async () => {
  await browser?.close();
  await world?.stop();
});

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  await page.screenshot({ path: join(projectRoot, 'test-results', `${task.name.replace(/\W+/g, '-')}.png`) });
});

describe('every view', () => {
  test.each(views)('$name: nothing for axe in any look, nothing lost in a small window', async place => {
    await go(place);
    expect(await accessibilityProblemsInAllLooks(page)).toEqual([]);
    expect(await layoutProblemsInSmallSizes(page)).toEqual([]);
  });
});

describe('every dialog', () => {
  test.each(dialogs)('$name: nothing for axe in any look, nothing lost in a small window', async place => {
    await go(place);
    expect(await accessibilityProblemsInAllLooks(page)).toEqual([]);
    expect(await layoutProblemsInSmallSizes(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });
});

describe('every command', () => {
  test.each(views)('$name: the arrow keys come to all that the palette lists', async place => {
    await go(place);
    const { listed, reached } = await paletteByArrows();
    for (const id of listed) offered.add(id);
    expect(listed.filter(id => !reached.includes(id))).toEqual([]);
  });

  test('of the source is offered somewhere, and none is there for the mouse alone', async () => {
    const source = await commandsOfTheSource();
    expect(source.length).toBeGreaterThan(40);
    expect(source.filter(id => !offered.has(id) && !elsewhere.has(id))).toEqual([]);
    expect(pageErrors).toEqual([]);
  });
});

/** What these places do not offer, each with where it is. */
const elsewhere = new Map([
  ['palette.open', 'opens what lists the others'],
  ['log.nextMatch', 'in a log that is searched, which the test of the log does'],
  ['log.previousMatch', 'the same'],
  ['log.links', 'in a log with an address in sight, the same'],
  ['capacity.reset', 'once the load was changed'],
  ['regions.access', 'for a region of a cloud'],
]);
