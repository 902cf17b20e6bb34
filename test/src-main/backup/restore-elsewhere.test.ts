import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { backupResultSchema } from '../../../src-main/contract/backup.ts';
import { envelopeSchema, pointerSchema } from '../../../src-main/contract/documents.ts';
import { pipeline } from '../../support/builds.ts';
import { eventually } from '../../support/eventually.ts';
import { git } from '../../support/git-server.ts';
import { startHeadlessEngine } from '../../support/headless-engine.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { commandsOn } from '../../support/source-cli.ts';

/** Each command is a process: on a machine that is busy with other things that takes its time. */
const manyProcessesMs = 600_000;
const releasesSchema = z.array(z.object({ serial: z.number() }));
const jobsSchema = z.object({ jobs: z.array(z.object({ number: z.number(), status: z.string() })) });
const statusSchema = z.object({
  rootPublicKey: z.string(),
  problems: z.array(z.object({ code: z.string(), message: z.string() })),
});

async function engineOn(data: string, workers: number) {
  const engine = await startHeadlessEngine(data, { from: 'source', workers });
  let isEnded = false;
  const end = async () => {
    if (isEnded) return;
    isEnded = true;
    engine.signal('SIGTERM');
    await engine.ended;
  };
  onTestFinished(end);
  return { ...commandsOn(data), ask: engine.ask, end };
}

/** An installation that has built, copied and released one commit, with a secret and a region. */
async function world() {
  const root = await scratchFolder();
  const [source, region, first, second] = ['source', 'fra', 'first', 'second'].map(name => join(root, name));
  if (!source || !region || !first || !second) throw new Error('no folders');
  await mkdir(source);
  await mkdir(region);
  await git(source, 'init', '--quiet', '--initial-branch=main');
  async function commit(text: string) {
    await writeFile(join(source ?? '', 'slipway.yml'), `isolation: none\n${pipeline('true')}artifact: [app.txt]\n`);
    await writeFile(join(source ?? '', 'app.txt'), text);
    await git(source ?? '', 'add', '--all');
    await git(source ?? '', 'commit', '--quiet', '-m', text);
  }
  await commit('One');
  const engine = await engineOn(first, 1);
  await engine.slipway(['repo', 'add', source, '--name', 'app']);
  await engine.slipway(['region', 'add', 'Frankfurt', '--store', region, '--latitude', '50.1', '--longitude', '8.7']);
  await engine.slipway(['secret', 'set', 'NPM_TOKEN', '--repository', 'app'], 'hunter2\n');
  const settled = async (count: number) =>
    eventually(async () => {
      const { jobs } = await engine.ask(jobsSchema, '/jobs');
      return jobs.length === count && jobs.every(({ status }) => status === 'succeeded');
    });
  await settled(1);
  const releases = (of = engine) => of.json(releasesSchema, ['release', 'list', 'app']);
  /** The serial that a store's pointer says; 0 where it has none. */
  async function serialIn(store: string): Promise<number> {
    const names = await readdir(join(store, 'channels'), { recursive: true }).catch(() => []);
    const name = names.find(one => one.endsWith('production.json'));
    if (name === undefined) return 0;
    const { payload } = envelopeSchema.parse(JSON.parse(await readFile(join(store, 'channels', name), 'utf8')));
    return pointerSchema.parse(JSON.parse(Buffer.from(payload, 'base64').toString('utf8'))).serial;
  }
  return { root, region, first, second, engine, commit, settled, releases, serialIn };
}

it('restores an old backup elsewhere, whole, and never gives a serial twice', {
  timeout: manyProcessesMs,
}, async () => {
  const { root, region, first, second, engine, commit, settled, releases, serialIn } = await world();
  await engine.slipway(['release', 'promote', 'app']);
  const file = join(root, 'monday.tar.zst');
  const made = await engine.json(backupResultSchema, ['backup', file]);
  expect(made).toMatchObject({ file, artifacts: false, packsLeftOut: 1, keyWrappedBy: null });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await expect(engine.slipway(['backup', file])).rejects.toThrow('is there already');
  await expect(engine.slipway(['backup', join(first, 'inside')])).rejects.toThrow('lies in the data folder');

  // What happens after the backup: two releases more, of a build that it does not know.
  await commit('Two');
  await engine.slipway(['repo', 'poll', 'app']);
  await settled(2);
  await engine.slipway(['release', 'promote', 'app']);
  await engine.slipway(['release', 'promote', 'app', '--reason', 'again']);
  const before = await engine.json(statusSchema, ['status']);
  await eventually(async () => (await serialIn(region)) === 3);
  const log = await engine.slipway(['job', 'log', '1']);
  await engine.end();

  const restored = commandsOn(second);
  expect(await restored.slipway(['restore', file])).toContain('1 repositories, 1 jobs, 1 releases');
  await expect(restored.slipway(['restore', file])).rejects.toThrow('is not empty');

  // The region is away when the restored engine starts.
  await rename(region, `${region}.away`);
  const again = await engineOn(second, 1);
  await eventually(async () => {
    const { problems } = await again.ask(statusSchema, '/status');
    return problems.some(({ code, message }) => code === 'release.restored' && message.includes('Frankfurt'));
  });
  await expect(again.slipway(['release', 'promote', 'app'])).rejects.toThrow('release.restored');
  await rename(`${region}.away`, region);
  await again.slipway(['release', 'promote', 'app']);
  expect((await releases(again)).map(({ serial }) => serial)).toEqual([4, 1]);
  const after = await again.json(statusSchema, ['status']);
  expect(after).toMatchObject({ rootPublicKey: before.rootPublicKey });
  expect(await again.slipway(['secret', 'list', '--repository', 'app'])).toContain('NPM_TOKEN');
  expect(await again.slipway(['region', 'list'])).toContain('Frankfurt');
  expect(await again.slipway(['job', 'log', '1'])).toBe(log);
  // What the backup lacked is brought from the region, and the region follows.
  await eventually(async () => (await serialIn(region)) === 4);
  const packs = () =>
    readdir(join(second, 'store', 'packs')).then(names => names.filter(name => name.endsWith('.tar.zst')));
  await eventually(async () => (await packs()).length > 0);
  await again.end();
});

it('takes the packs along when asked, without an engine, as a file that tar opens', {
  timeout: manyProcessesMs,
}, async () => {
  const { root, first, second, engine } = await world();
  await engine.slipway(['release', 'promote', 'app']);
  const { rootPublicKey } = await engine.json(statusSchema, ['status']);
  await engine.end();
  const file = join(root, 'whole.tar.zst');
  const commands = commandsOn(first);
  expect(await commands.slipway(['backup', file, '--artifacts'])).toContain('The master key is in it');
  expect(await commands.slipway(['restore', file, '--check'])).toContain('Whole');
  expect(existsSync(second)).toBe(false);
  const { stdout } = await promisify(execFile)('tar', ['--zstd', '-tf', file]).catch(() => ({ stdout: null }));
  if (stdout !== null) expect(stdout).toMatch(/^store\/packs\/[0-9a-f]{64}\.tar\.zst$/m);
  const restored = commandsOn(second);
  await restored.slipway(['restore', file]);
  await restored.slipway(['verify', join(second, 'store'), '--key', rootPublicKey]);
});
