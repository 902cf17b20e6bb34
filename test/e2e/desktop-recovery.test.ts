/** The desktop app on the rig, when its processes die, and the menu's commands that end processes or begin work. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { slipway } from '../support/cli.ts';
import { type RigApp, startRig, trayLabels } from '../support/electron-rig/run-rig.ts';
import { eventually } from '../support/eventually.ts';
import { type KeptFolder, keptFolder } from '../support/scratch-folder.ts';

const workersSchema = z.object({ workers: z.array(z.object({ pid: z.number().nullable() })) });
const swarmSchema = z.object({ port: z.number().nullable() });

let folder: KeptFolder;
let app: RigApp;

async function workerPids(): Promise<number[]> {
  const outcome = await slipway(['worker', 'list', '--json', '--data', join(folder.path, 'data')]);
  expect(outcome.exitCode, outcome.stderr).toBe(0);
  const { workers } = workersSchema.parse(JSON.parse(outcome.stdout));
  return workers.flatMap(({ pid }) => (pid === null ? [] : [pid]));
}

/** Whether the seeding process has said where it listens. One that ends before has not begun, and is begun again untold. */
async function isSeeding(): Promise<boolean> {
  const outcome = await slipway(['swarm', 'status', '--json', '--data', join(folder.path, 'data')]);
  expect(outcome.exitCode, outcome.stderr).toBe(0);
  return swarmSchema.parse(JSON.parse(outcome.stdout)).port !== null;
}

/** The app's child process that runs the built program `name`; null while there is none. */
function childPid(name: string): number | null {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
  const rows = table.split('\n').map(line => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line));
  const row = rows.find(found => Number(found?.[2]) === app.process.pid && found?.[3]?.includes(`/${name}`));
  return row?.[1] === undefined ? null : Number(row[1]);
}

/** Kills a process and waits until the app has shown `title`, once. */
async function killAndHear(pid: number, title: string): Promise<void> {
  const before = (await app.look()).notifications.length;
  process.kill(pid, 'SIGKILL');
  await app.until(title, view => view.notifications.slice(before).some(told => told.title === title));
}

const doFromMenu = (label: string) => app.order({ do: 'menu', of: 'app', path: ['Do', label] });

beforeAll(async () => {
  folder = await keptFolder();
  const env = { ...process.env, XDG_CONFIG_HOME: join(folder.path, 'config') };
  app = startRig(['.', '--data', join(folder.path, 'data')], env);
  await (await app.page()).getByRole('button', { name: 'Try the sample project' }).waitFor();
  await app.until('the menu', view => view.appMenu.some(menu => menu.label === 'Do'));
});

afterAll(async () => {
  await app?.stop();
  await folder?.remove();
});

describe('a child process that is killed', () => {
  test('seeds again in a new process, and that is told', async () => {
    const pid = await eventually(async () => (await isSeeding()) && childPid('swarm.js'), {
      what: 'the seeding process',
    });
    await killAndHear(pid, 'Slipway: the seeding process was lost');
    await eventually(() => ![null, pid].includes(childPid('swarm.js')), { what: 'the next seeding process' });
  });

  test('builds again in a new worker, and that is told', async () => {
    const [pid = 0] = await eventually(
      async () => {
        const pids = await workerPids();
        return pids.length > 0 && pids;
      },
      { what: 'a worker' },
    );
    await killAndHear(pid, 'Slipway: a worker was lost');
    await eventually(
      async () => {
        const pids = await workerPids();
        return pids.length > 0 && !pids.includes(pid);
      },
      { what: 'the next worker' },
    );
  });
});

describe('the menu', () => {
  test('drains the workers, and brings them back', async () => {
    await doFromMenu('Drain the workers');
    await eventually(async () => (await workerPids()).length === 0, { what: 'the end of every worker' });
    await app.until('the tray', view => view.tray?.tooltip === 'Slipway: builds paused');
    await doFromMenu('Resume the workers');
    await eventually(async () => (await workerPids()).length > 0, { what: 'workers' });
  });

  test('runs the crash drill, and shows what it measured', async () => {
    await doFromMenu('Run the crash drill');
    const page = await app.page();
    await page.waitForURL(url => url.hash === '#/settings');
    await page.getByText(/\(pid \d+\) was killed during/).waitFor({ timeout: 120_000 });
  });

  test('adds the sample project, which builds', async () => {
    await doFromMenu('Try the sample project');
    const done = /^✓ .+, job \d+: succeeded$/;
    await app.until('a good build in the tray', view => trayLabels(view).some(label => done.test(label)));
  });
});
