import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createAgent } from '../../../src-main/agent/agent.ts';
import { diskUseSchema, reclaimPlanSchema, reclaimResultSchema } from '../../../src-main/contract/disk.ts';
import { engineStatusSchema } from '../../../src-main/contract/views/engine.ts';
import { jobDetailSchema, jobSummarySchema } from '../../../src-main/contract/views/job.ts';
import { machineViewSchema, pairingSchema } from '../../../src-main/contract/views/machine.ts';
import { createFilesystemStore } from '../../../src-main/stores/filesystem-store.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { noise } from '../../support/artifact-trees.ts';
import { pipeline } from '../../support/builds.ts';
import { eventually } from '../../support/eventually.ts';
import { git } from '../../support/git-server.ts';
import { startHeadlessEngine } from '../../support/headless-engine.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const run = promisify(execFile);
const cli = resolve(import.meta.dirname, '../../../src-main/cli.ts');

async function installation() {
  const root = await scratchFolder();
  const data = `${root}/data`;
  const engine = await startHeadlessEngine(data, { from: 'source', workers: 1 });
  onTestFinished(async () => {
    engine.signal('SIGTERM');
    await engine.ended;
  });
  const { ask } = engine;
  const slipway = (...args: readonly string[]) =>
    run(process.execPath, [cli, ...args, '--data', data], { maxBuffer: 2 ** 26 }).then(
      ({ stdout, stderr }) => ({ exitCode: 0, stdout, stderr }),
      (error: { code: number; stdout: string; stderr: string }) => ({
        exitCode: error.code,
        stdout: error.stdout,
        stderr: error.stderr,
      }),
    );
  /** The result of a command that must succeed. */
  async function json<Shape extends z.ZodType>(shape: Shape, ...args: readonly string[]): Promise<z.output<Shape>> {
    const { exitCode, stdout, stderr } = await slipway(...args, '--json');
    if (exitCode !== 0) throw new Error(`slipway ${args.join(' ')}: ${stderr}`);
    return shape.parse(JSON.parse(stdout));
  }
  const [source, region] = [`${root}/source`, `${root}/region`];
  await mkdir(source);
  await mkdir(region);
  await git(source, 'init', '--quiet', '--initial-branch=main');
  /** Commits other content. */
  async function build(content: string): Promise<void> {
    await writeFile(join(source, 'app.txt'), content);
    await git(source, 'add', '--all');
    await git(source, 'commit', '--quiet', '-m', content);
  }
  await writeFile(join(source, 'slipway.yml'), `isolation: none\n${pipeline('true')}artifact: [data, app.txt]\n`);
  await writeFile(join(source, 'data'), noise(200_000));
  /** The job of this number once it has succeeded; asked for without a process for each look. */
  const succeeded = (number: number) =>
    eventually(
      async () => {
        const { jobs } = await ask(z.object({ jobs: z.array(jobSummarySchema) }), '/jobs');
        const job = jobs.find(one => one.number === number && one.status === 'succeeded');
        return job ? ask(jobDetailSchema, `/jobs/${job.id}`) : null;
      },
      { what: `the success of job ${number}` },
    );
  return { root, data, source, region, slipway, json, build, ask, succeeded };
}

/** Some thirty processes, one after another: minutes on a machine that is busy. */
const timeoutMs = 600_000;

it('reclaims what the rule lets go and nothing else, leaves whole stores, and builds it again on demand', {
  timeout: timeoutMs,
}, async () => {
  const world = await installation();
  const { slipway, json, ask } = world;
  const any = z.unknown();
  const region = { name: 'Near', storeUrl: world.region, latitude: 1, longitude: 1 };
  await ask(any, '/regions', region);
  for (const [name, value] of [
    ['retention.builds', '1'],
    ['retention.rollbacks', '1'],
    ['retention.graceMinutes', '0'],
  ] as const)
    await ask(any, '/settings', { name, value });
  await world.build('1');
  const { id: repositoryId } = await ask(z.object({ id: z.string() }), '/repositories', {
    url: world.source,
    name: 'app',
  });
  const jobs = [];
  for (const number of [1, 2, 3, 4, 5]) {
    if (number > 1) {
      await world.build(String(number));
      await ask(any, `/repositories/${repositoryId}/poll`, {});
    }
    const job = await world.succeeded(number);
    jobs.push(job);
    if (number <= 3)
      await ask(any, '/releases/promote', { repositoryId, channel: 'production', buildId: job.build?.id });
  }
  const [first, , third, fourth] = jobs;
  if (!first?.build || !third?.build || !fourth?.build) throw new Error('a job made no build');
  await json(any, 'artifact', 'pin', '1');

  const { rootPublicKey } = await json(engineStatusSchema, 'status');
  const { secret } = await json(pairingSchema, 'machine', 'pair', 'app', 'web-1');
  const machine = `${world.root}/machine`;
  const agent = createAgent({
    stores: [createFilesystemStore(world.region)],
    repositoryId,
    channel: 'production',
    root: machine,
    rootPublicKey,
    pairing: secret,
    name: 'web-1',
    region: 'Near',
    swarm: null,
    listenHost: '127.0.0.1',
    pollIntervalMs: 50,
    logger: silentLogger,
  });
  onTestFinished(() => agent.stop());
  const runs = (content: string) =>
    eventually(
      async () => {
        await agent.runOnce();
        return (await readFile(join(machine, 'current/app.txt'), 'utf8')) === content;
      },
      { what: `the release of ${content}` },
    );
  await runs('3');
  await eventually(async () =>
    (await ask(z.array(machineViewSchema), '/machines')).some(one => one.artifactId === third.build?.artifactId),
  );

  const plan = await eventually(async () => {
    const planned = await ask(reclaimPlanSchema, '/disk/reclaim');
    return planned.kept.every(pack => !pack.reasons.includes('being copied to a region')) && planned;
  });
  expect((await json(reclaimPlanSchema, 'disk', 'reclaim', '--dry-run')).reclaim).toEqual(plan.reclaim);
  const full = plan.reclaim.filter(pack => pack.kind === 'full');
  expect(full.map(pack => pack.jobNumber)).toEqual([4]);
  expect(plan.kept.find(pack => pack.jobNumber === 1)?.reasons).toContain('pinned by a person');
  expect(plan.kept.find(pack => pack.jobNumber === 2)?.reasons).toContain('production can go back to it');
  const reasons = plan.kept.find(pack => pack.jobNumber === 3 && pack.kind === 'full')?.reasons;
  expect(reasons).toEqual(expect.arrayContaining(['production runs it', 'web-1 runs it']));
  const before = await json(diskUseSchema, 'disk');
  expect(before.repositories).toMatchObject([{ name: 'app', pinned: { packs: 3 }, kept: { packs: 1 } }]);

  const said = await slipway('disk', 'reclaim');
  expect(said.exitCode).toBe(0);
  expect(said.stderr).toContain('Kept, and why');
  expect(said.stderr).toContain(fourth.build.packDigest.slice(0, 12));
  expect(said.stdout).toContain('Got back');
  const wholeStores = async () => {
    for (const store of [`${world.data}/store`, world.region]) {
      const verified = await slipway('verify', pathToFileURL(store).href, '--key', rootPublicKey, '--all');
      expect(verified).toMatchObject({ exitCode: 0 });
    }
  };
  await wholeStores();
  expect((await slipway('job', 'show', '4')).stdout).toContain('reclaimed at');
  for (const args of [
    ['release', 'promote', 'app', '--build', fourth.build.id],
    ['sbom', '4'],
    ['artifact', 'pin', '4'],
    ['artifact', 'verify', fourth.build.artifactId],
  ])
    expect(await slipway(...args)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('artifact.reclaimed'),
    });

  await json(any, 'release', 'rollback', 'app');
  await runs('2');
  // The same tree is the same pack: it is kept again, as a build of its own.
  await json(any, 'job', 'retry', '4');
  const { build: again } = await world.succeeded(4);
  if (!again) throw new Error('the job made no build');
  expect(again).toMatchObject({ packDigest: fourth.build.packDigest, reclaimedAtMs: null });
  await ask(any, '/releases/promote', { repositoryId, channel: 'production', buildId: again.id });
  await runs('4');
  await json(any, 'artifact', 'unpin', first.build.artifactId.slice(0, 12));
  const last = await json(reclaimResultSchema, 'disk', 'reclaim');
  expect(last.stores.map(store => store.error)).toEqual([null, null]);
  expect((await json(jobDetailSchema, 'job', 'show', '1')).build?.reclaimedAtMs).not.toBeNull();
  await wholeStores();
});

it('refuses what is no number of builds, and needs to know of which repository', async () => {
  const { slipway } = await installation();
  expect(await slipway('disk', 'keep', '0', '--repository', 'app')).toMatchObject({ exitCode: 2 });
  expect(await slipway('disk', 'keep', '5')).toMatchObject({ exitCode: 2 });
  expect(await slipway('disk', 'keep', '5', '--repository', 'app')).toMatchObject({ exitCode: 1 });
});
