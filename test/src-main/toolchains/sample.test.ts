/** The sample project, as a stranger gets it: planned, built, checked, served, and changed by one file. */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '../../../src-main/contract/plan.ts';
import { detectPlan } from '../../../src-main/toolchains/detect.ts';
import { planFor } from '../../../src-main/toolchains/plan.ts';
import { openProjectTree } from '../../../src-main/toolchains/project-tree.ts';
import { resolveTools } from '../../../src-main/toolchains/resolve-tools.ts';
import { stepEnvironment } from '../../../src-main/toolchains/step-environment.ts';

const run = promisify(execFile);
const sample = fileURLToPath(new URL('../../../resources/sample', import.meta.url));

let root = '';
let plan: Plan;
let environment: Record<string, string>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-sample-'));
  await cp(sample, root, { recursive: true });
  plan = await planFor(root);
  const { pathEntries } = await resolveTools(plan.requirements, process.env.PATH ?? '');
  environment = stepEnvironment(process.env, plan.env, {}, {}, pathEntries);
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

async function shell(command: string): Promise<string> {
  const [file, args] = process.platform === 'win32' ? ['cmd.exe', ['/d', '/c', command]] : ['/bin/sh', ['-c', command]];
  return (await run(file, args, { cwd: root, env: environment })).stdout;
}

async function build(): Promise<Map<string, string>> {
  for (const step of plan.steps) await shell(step.run);
  const names = (await readdir(join(root, 'dist'))).sort();
  const digests = names.map(async name => {
    const bytes = await readFile(join(root, 'dist', name));
    return [name, createHash('sha256').update(bytes).digest('hex')] as const;
  });
  return new Map(await Promise.all(digests));
}

describe('the sample project', () => {
  it('says itself that a release is its dist folder, and needs Node alone', () => {
    expect(plan.origin).toBe('pipeline');
    expect(plan.artifact.include).toEqual(['dist']);
    expect(plan.requirements.map(({ program }) => program)).toEqual(['node']);
  });

  it('can be planned without its slipway.yml', async () => {
    const detected = await detectPlan(await openProjectTree(sample));
    expect(detected?.steps.map(step => step.run)).toEqual(['npm run build', 'npm test']);
    expect(detected?.start).toBe('node dist/server.mjs');
  });

  it('builds the same bytes twice, and one changed sailing changes the page and its data alone', async () => {
    const first = await build();
    expect(await build()).toEqual(first);
    expect(await shell(plan.health?.command ?? '')).toContain('in place');

    const file = join(root, 'data/sailings.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace('"delayed"', '"sailed"'));
    const second = await build();
    expect([...second.keys()]).toEqual([...first.keys()]);
    expect([...second.keys()].filter(name => second.get(name) !== first.get(name))).toEqual([
      'board.json',
      'index.html',
    ]);
  });

  it('refuses a sailing that cannot be, and fails its build', async () => {
    const file = join(root, 'data/sailings.json');
    const good = await readFile(file, 'utf8');
    await writeFile(file, good.replace('06:40', '26:40'));
    await expect(shell('node build.mjs')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('sailing 1 has no time like 07:15'),
    });
    await writeFile(file, good);
  });

  it('serves the board on a free port and ends when it is told to', async () => {
    await build();
    const [, script = ''] = plan.start?.split(' ') ?? [];
    const server = spawn(process.execPath, [script], {
      cwd: root,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(server, 'exit');
    try {
      const [line] = await once(createInterface({ input: server.stdout }), 'line');
      const [address] = /http:\S+/.exec(String(line)) ?? [];
      const page = await fetch(`${address}`);
      expect(await page.text()).toContain('Lady Ailsa');
      expect((await fetch(`${address}..%2fpackage.json`)).status).toBe(404);
    } finally {
      server.kill('SIGTERM');
    }
    const [exitCode] = await ended;
    if (process.platform !== 'win32') expect(exitCode).toBe(0);
  });
});
