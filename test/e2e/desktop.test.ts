/** The desktop app on the rig: the built main bundle, its preload and its interface in a real Chromium, with real workers beside it. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isAlive } from '../support/child-program.ts';
import { slipway } from '../support/cli.ts';
import { pathsOf, type RigApp, startRig, trayLabels } from '../support/electron-rig/run-rig.ts';
import { eventually } from '../support/eventually.ts';
import { type GitServer, startGitServer, type TestRepository } from '../support/git-server.ts';
import { type KeptFolder, keptFolder } from '../support/scratch-folder.ts';

const jobsSchema = z.array(z.object({ id: z.string(), number: z.number(), status: z.string() }));
const workersSchema = z.object({ workers: z.array(z.object({ pid: z.number().nullable() })) });

let folder: KeptFolder;
let git: GitServer;
let repository: TestRepository;
let app: RigApp;
const at = (...path: string[]) => join(folder.path, ...path);
const env = () => ({ ...process.env, XDG_CONFIG_HOME: at('config') });
const start = (...args: string[]) => startRig(['.', '--data', at('data'), ...args], env());

/** A build that waits for the file `name`, and does then what the file says. */
const build = (name: string) => `
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
const file = ${JSON.stringify(at(name))};
while (!existsSync(file)) await new Promise(resolve => setTimeout(resolve, 50));
if (readFileSync(file, 'utf8') === 'fail') {
  console.error('error: the tide table has no high water');
  process.exit(1);
}
mkdirSync('dist', { recursive: true });
writeFileSync('dist/index.html', file);
`;
const pipeline = 'isolation: none\nsteps:\n  - name: Build\n    run: node build.mjs\nartifact:\n  - dist\n';

async function ask<Answer>(schema: z.ZodType<Answer>, ...args: string[]): Promise<Answer> {
  const outcome = await slipway([...args, '--json', '--data', at('data')]);
  expect(outcome.exitCode, outcome.stderr).toBe(0);
  return schema.parse(JSON.parse(outcome.stdout));
}

const until: RigApp['until'] = (what, holds) => app.until(what, holds);
const evaluate = (expression: string) => app.order({ do: 'evaluate', expression });

beforeAll(async () => {
  folder = await keptFolder();
  git = await startGitServer();
  repository = await git.createRepository('tide-table');
  await repository.commit({ 'build.mjs': build('first'), 'slipway.yml': pipeline }, 'Print the tide table');
  app = start();
});

afterAll(async () => {
  await app?.stop();
  await git?.stop();
  await folder?.remove();
});

describe('the desktop app on the rig', () => {
  test('shows the interface, with data that came through the MessagePort', async () => {
    const page = await app.page();
    await page.getByRole('button', { name: 'Try the sample project' }).waitFor();
    await until('the window', view => view.window?.isShown === true);
    // The page has no token and no address of the loopback host: the port is its only way.
    expect(
      await page.evaluate(() => [location.hash, sessionStorage.length, Object.keys(window).includes('require')]),
    ).toEqual([expect.not.stringContaining('token'), 0, false]);
    await page.goto(`${page.url().split('#')[0]}#/settings`);
    await page.getByText('desktop app').waitFor();
    await page.getByText(at('data')).waitFor();
  });

  test('the page has the bridge of the preload, frozen, and nothing of Node', async () => {
    const page = await app.page();
    expect(
      await page.evaluate(() => ({
        bridge: Object.keys(Reflect.get(window, 'slipwayShell') ?? {}),
        isFrozen: Object.isFrozen(Reflect.get(window, 'slipwayShell')),
        node: ['require', 'process', 'module', 'Buffer', 'electron'].filter(name => name in window),
      })),
    ).toEqual({ bridge: ['send', 'onMessage'], isFrozen: true, node: [] });
  });

  test('closing hides the window, says so once, and the engine builds on', async () => {
    await slipway(['repo', 'add', repository.url, '--data', at('data')]);
    await until('a build in the tray', view => view.tray?.tooltip === 'Slipway: building 1');
    expect((await app.look()).tray?.image).toContain('tray-building.png');
    await app.order({ do: 'move-window', bounds: { x: 60, y: 70, width: 900, height: 700 } });
    await app.order({ do: 'close-window' });
    const hidden = await until('the notice', view => view.notifications.length === 1);
    expect(hidden.window?.isShown).toBe(false);
    expect(hidden.notifications[0]?.title).toBe('Slipway works on');
    await writeFile(at('first'), 'go');
    await until('the result', view => trayLabels(view).includes('✓ tide-table, job 1: succeeded'));
    await until('the idle tray', view => view.tray?.image.endsWith('tray-idle.png') === true);
    await app.order({ do: 'click-tray' });
    await app.order({ do: 'close-window' });
    expect((await app.look()).notifications).toHaveLength(1);
    expect(JSON.parse(await readFile(at('data', 'desktop', 'window.json'), 'utf8'))).toEqual({
      ...{ x: 60, y: 70, width: 900, height: 700 },
      ...{ maximized: false, toldOfTray: true },
    });
  });

  test('a second start shows the first, and what its link names', async () => {
    const before = (await app.look()).window?.showCount ?? 0;
    const second = start();
    expect(await second.ended).toBe(0);
    expect(second.said()).toContain('already runs');
    await until('the first window', view => view.window?.isShown === true && view.window.showCount > before);
    const third = start('slipway://job/1');
    expect(await third.ended).toBe(0);
    const page = await app.page();
    const [job] = await ask(jobsSchema, 'job', 'list');
    await page.waitForURL(url => url.hash === `#/jobs/${job?.id}`);
  });

  test('a link shows the dialog and adds nothing; one that is not ours shows the window alone', async () => {
    const page = await app.page();
    await app.order({ do: 'open-url', url: 'slipway://add?url=https%3A%2F%2Fexample.invalid%2Fteam%2Fapp.git' });
    const dialog = page.getByRole('dialog', { name: 'Add a repository' });
    await dialog.waitFor();
    expect(await dialog.getByLabel('URL or path').inputValue()).toBe('https://example.invalid/team/app.git');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    await app.order({ do: 'open-url', url: 'slipway://add?url=file%3A%2F%2F%2Fetc' });
    await app.order({ do: 'open-url', url: 'slipway://job/1/cancel' });
    expect(await ask(z.array(z.unknown()), 'repo', 'list')).toHaveLength(1);
    expect(await dialog.count()).toBe(0);
  });

  test('a folder that falls on the window opens the dialog with its path', async () => {
    const page = await app.page();
    const clone = at('my-clone');
    await mkdir(clone);
    await app.order({ do: 'drop', path: clone });
    const dialog = page.getByRole('dialog', { name: 'Add a repository' });
    await dialog.waitFor();
    expect(await dialog.getByLabel('URL or path').inputValue()).toBe(clone);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  test('a message from a foreign frame, or of a wrong form, is answered by nothing', async () => {
    const page = await app.page();
    await page.evaluate(() => {
      addEventListener('message', () => document.body.setAttribute('data-heard', 'yes'));
      document.body.append(Object.assign(document.createElement('iframe'), { srcdoc: '<p>foreign</p>' }));
    });
    await page.frameLocator('iframe').getByText('foreign').waitFor();
    const log = () => readFile(at('data', 'engine.log'), 'utf8');
    await app.order({ do: 'speak', from: 'subframe', channel: 'slipway:shell', message: { type: 'port' } });
    await eventually(async () => (await log()).includes('desktop.message_refused'), { what: 'the refusal in the log' });
    for (const message of [{ type: 'open', what: '/etc/passwd' }, { type: 'quit!' }, null, 'quit']) {
      await app.order({ do: 'speak', from: 'page', channel: 'slipway:shell', message });
    }
    await eventually(async () => (await log()).split('desktop.message_malformed').length === 5, {
      what: 'the refusals',
    });
    expect(await page.evaluate(() => document.body.getAttribute('data-heard'))).toBeNull();
    expect((await app.look()).opened).toEqual([]);
    // The page itself is answered by the same way.
    await app.order({ do: 'speak', from: 'page', channel: 'slipway:shell', message: { type: 'port' } });
    await page.locator('body[data-heard=yes]').waitFor();
    await page.evaluate(() => document.querySelector('iframe')?.remove());
  });

  test('the page goes nowhere else, opens no window, and gets no permission', async () => {
    // Playwright holds up every new page that it sees, and with it the script that opened it.
    await app.reconnect();
    const address = await evaluate('location.href');
    await evaluate('void (location.href = "https://example.com/")');
    await evaluate('void setTimeout(() => open("http://example.com/plain"))');
    const plain = await until('the refusal', view => view.isAsking);
    expect(plain.dialogs.at(-1)).toMatchObject({ message: 'Slipway opens https addresses alone.' });
    await app.order({ do: 'answer', response: 0 });
    for (const response of [1, 0]) {
      await evaluate('void setTimeout(() => open("https://example.com/docs"))');
      const asked = await until('the question', view => view.isAsking);
      expect(asked.dialogs.at(-1)).toMatchObject({ detail: 'https://example.com/docs', buttons: ['Open', 'Cancel'] });
      await app.order({ do: 'answer', response });
    }
    const after = await until('the address', view => view.opened.length > 0);
    expect(after.opened).toEqual(['https://example.com/docs']);
    expect(after.mayUseDevice).toBe(false);
    expect(await evaluate('location.href')).toBe(address);
    const names = ['geolocation', 'notifications', 'camera', 'microphone', 'midi', 'clipboard-read'];
    const states = await evaluate(
      `Promise.all(${JSON.stringify(names)}.map(async name => (await navigator.permissions.query({ name })).state))`,
    );
    expect(states).toEqual(names.map(() => 'denied'));
  });

  test('every tray and menu item is clicked', async () => {
    const view = await app.look();
    const clicked: string[] = [];
    for (const path of pathsOf(view.tray?.menu ?? [])) {
      if (path.includes('Quit')) continue;
      await app.order({ do: 'menu', of: 'tray', path });
      clicked.push(path.join(' > '));
      if (path.includes('Pause builds')) await until('the pause', now => trayLabels(now).includes('Resume builds'));
      if (path.includes('Pause seeding for an hour')) {
        await until('the pause', now => trayLabels(now).includes('Resume seeding'));
        await app.order({ do: 'menu', of: 'tray', path: ['Resume seeding'] });
        await until('the resume', now => trayLabels(now).includes('Pause seeding until tomorrow'));
      }
    }
    expect(clicked).toEqual([
      'Open Slipway',
      '✓ tide-table, job 1: succeeded',
      'Pause builds',
      'Pause seeding for an hour',
      'Pause seeding until tomorrow',
    ]);
    const paused = await until('both pauses', now => now.tray?.tooltip.includes('seeding paused') === true);
    expect(paused.tray?.tooltip).toBe('Slipway: builds paused, seeding paused');
    await app.order({ do: 'menu', of: 'tray', path: ['Resume builds'] });
    await app.order({ do: 'menu', of: 'tray', path: ['Resume seeding'] });
    await until('work again', now => now.tray?.tooltip === 'Slipway: idle');

    const page = await app.page();
    const menus = (await app.look()).appMenu.filter(menu => ['Do', 'Go to'].includes(menu.label));
    // What these begin and end is in desktop-recovery.test.ts.
    const elsewhere = ['Quit Slipway', 'Try the sample project', 'Run the crash drill', 'Drain the workers'];
    for (const path of pathsOf(menus)) {
      const [menu = '', label = ''] = path;
      const item = (await app.look()).appMenu.find(one => one.label === menu)?.submenu.find(one => one.label === label);
      if (elsewhere.includes(label) || item?.enabled !== true) continue;
      await app.order({ do: 'menu', of: 'app', path });
      if (menu === 'Go to') await page.getByRole('navigation').locator('[aria-current]', { hasText: label }).waitFor();
      if (label === 'Add a repository') await page.getByRole('dialog', { name: label }).waitFor();
      if (label === 'Start at login, in the tray') {
        const entry = at('config', 'autostart', 'slipway.desktop');
        await eventually(() => existsSync(entry), { what: 'the autostart entry' });
        expect(await readFile(entry, 'utf8')).toMatch(/^Exec=".+" ".+" "--hidden"$/m);
        await until('its opposite', now =>
          now.appMenu.some(one => one.submenu.some(two => two.label === 'Start no more at login' && two.enabled)),
        );
      }
    }
    await eventually(() => !existsSync(at('config', 'autostart', 'slipway.desktop')), { what: 'the end of autostart' });
    const opened = await until('folder and log', now => now.opened.length === 3);
    expect(opened.opened.slice(1)).toEqual([at('data'), at('data', 'engine.log')]);
    await page.keyboard.press('Escape');
  });

  test('a failure is told once, its click goes to the line; the recovery is told too', async () => {
    await app.order({ do: 'menu', of: 'app', path: ['Do', 'Resume the workers'] });
    await app.order({ do: 'close-window' });
    const before = (await app.look()).notifications.length;
    await writeFile(at('second'), 'fail');
    await repository.commit({ 'build.mjs': build('second') }, 'Lose the high water');
    const failed = await until('the failure', view => view.notifications.length === before + 1);
    expect(failed.notifications.at(-1)?.title).toBe('tide-table: the build failed');
    const marked = await until('the mark', view => view.badge === 1);
    expect(marked.tray?.image).toContain('tray-failing.png');
    await app.order({ do: 'click-notification', index: before });
    await until('the window', view => view.window?.isShown === true);
    const page = await app.page();
    const [job] = await ask(jobsSchema, 'job', 'list');
    await page.waitForURL(url => url.hash === `#/jobs/${job?.id}`);
    await page.locator('.xterm-rows > div', { hasText: 'no high water' }).first().waitFor();

    await writeFile(at('third'), 'fail');
    await repository.commit({ 'build.mjs': build('third') }, 'Lose it again');
    await eventually(async () => (await ask(jobsSchema, 'job', 'list'))[0]?.number === 3, { what: 'job 3' });
    await eventually(async () => (await ask(jobsSchema, 'job', 'list'))[0]?.status === 'failed', {
      what: 'its end',
    });
    await writeFile(at('fourth'), 'go');
    await repository.commit({ 'build.mjs': build('fourth') }, 'Find it');
    const recovered = await until(
      'the recovery',
      view => view.notifications.at(-1)?.title === 'tide-table: builds again',
    );
    expect(recovered.notifications).toHaveLength(before + 2);
    await until('no mark', view => view.badge === 0);
  });

  test('a page that crashes comes back, and that is told', async () => {
    const before = (await app.look()).notifications.length;
    await app.order({ do: 'crash-page' });
    const told = await until('the notice', view => view.notifications.length > before);
    expect(told.notifications.at(-1)?.title).toBe("Slipway's window crashed");
    await app.reconnect();
    const page = await app.page();
    await page.getByRole('navigation').getByText('Overview').waitFor();
    await page.getByText('tide-table').first().waitFor();
  });

  test('battery, mains, sleep and wake are heard', async () => {
    await slipway(['settings', 'set', 'swarm.onBattery', 'pause', '--data', at('data')]);
    await app.order({ do: 'power', event: 'on-battery' });
    await until('nothing seeded', view => view.tray?.tooltip === 'Slipway: not seeding on battery');
    await app.order({ do: 'power', event: 'on-ac' });
    await app.order({ do: 'power', event: 'resume' });
    await until('idle', view => view.tray?.tooltip === 'Slipway: idle');
  });

  test('quitting says what would stop, finishes it if asked to, and leaves no process', async () => {
    await repository.commit({ 'build.mjs': build('last') }, 'Take long');
    await until('the build', view => view.tray?.tooltip === 'Slipway: building 1');
    const pids = (await ask(workersSchema, 'worker', 'list')).workers.flatMap(({ pid }) => (pid === null ? [] : [pid]));
    expect(pids.length).toBeGreaterThan(0);
    await app.order({ do: 'menu', of: 'tray', path: ['Quit'] });
    const asked = await until('the question', view => view.isAsking);
    expect(asked.dialogs.at(-1)).toMatchObject({
      message: 'Quitting stops a build.',
      detail: expect.stringContaining('tide-table, job 5'),
      buttons: ['Finish first', 'Quit now', 'Cancel'],
    });
    await app.order({ do: 'answer', response: 2 });
    await app.order({ do: 'menu', of: 'app', path: ['Slipway', 'Quit'] });
    await until('the question again', view => view.isAsking);
    await app.order({ do: 'answer', response: 0 });
    await until('no new builds', view => view.tray?.tooltip === 'Slipway: building 1, builds paused');
    await writeFile(at('last'), 'go');
    expect(await app.ended).toBe(0);
    await eventually(() => pids.every(pid => !isAlive(pid)), { what: 'the end of the workers' });
    expect(existsSync(at('data', 'host.json'))).toBe(false);
  });

  test('the next start is hidden if asked for, takes builds again, and opens where it was left', async () => {
    app = start('--hidden');
    const view = await until('the tray', now => trayLabels(now).includes('✓ tide-table, job 5: succeeded'));
    expect(view.window).toMatchObject({ isShown: false, bounds: { x: 60, y: 70, width: 900, height: 700 } });
    expect(view.tray?.tooltip).toBe('Slipway: idle');
    await app.order({ do: 'menu', of: 'tray', path: ['Quit'] });
    expect(await app.ended).toBe(0);
  });
});
