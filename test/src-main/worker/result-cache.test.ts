/** When an earlier artifact stands for a build, and each input whose change makes it a build again. */
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseBuildStatement } from '../../../src-main/artifacts/build-record.ts';
import { envelopeSchema, storeKeys } from '../../../src-main/contract/documents.ts';
import { listSteps } from '../../../src-main/database/attempts.ts';
import { findBuildOfJob } from '../../../src-main/database/builds.ts';
import { createBuildEnvironment } from '../../../src-main/queue/build-environment.ts';
import { retryJob } from '../../../src-main/queue/enqueue.ts';
import { openMasterKey } from '../../../src-main/secrets/master-key.ts';
import { startBuilds } from '../../support/builds.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { git } from '../../support/git-server.ts';

const onEnd = endsWithFile();
let builds: Awaited<ReturnType<typeof startBuilds>>;
let environment: ReturnType<typeof createBuildEnvironment>;
let ran = '';

beforeAll(async () => {
  builds = await startBuilds({ onEnd });
  environment = createBuildEnvironment({
    db: builds.db,
    masterKey: await openMasterKey({ folder: builds.folder.keys }),
    clock: Date.now,
    onChanged: () => undefined,
  });
  ran = join(builds.root, 'ran');
  await writeFile(ran, '');
  await makeTool('1.0.0');
});

/** A tool of the machine, in the version that it says. */
async function makeTool(version: string) {
  await mkdir(join(builds.root, 'bin'), { recursive: true });
  const file = join(builds.root, 'bin', 'nasm');
  await writeFile(file, `#!/bin/sh\necho "NASM version ${version}"\n`);
  await chmod(file, 0o755);
}

const text = (more = '') => `steps:
  - run: echo run >> ${ran}
  - run: nasm --version > version.txt
${more}`;

/** Queued as a poll queues it, and whether its steps were run. */
async function build(
  repository: Awaited<ReturnType<typeof builds.createRepository>>,
  files: Readonly<Record<string, string>>,
  how: Parameters<typeof repository.push>[1] = { trigger: 'poll' },
) {
  const before = await runs();
  const job = await builds.ended((await repository.push(files, how)).id);
  const log = await builds.log(job);
  expect(job.status, log).toBe('succeeded');
  const made = await findBuildOfJob(builds.db, job.id);
  if (made === null) throw new Error('the job made no build');
  return { job, log, made, isRun: (await runs()) > before };
}

const runs = async () => (await readFile(ran, 'utf8')).split('\n').length;

async function facts(repositoryId: string, buildId: string) {
  const record = await builds.store.read(storeKeys.build(repositoryId, buildId), 1_000_000);
  const { payload } = envelopeSchema.parse(JSON.parse(Buffer.from(record?.bytes ?? []).toString('utf8')));
  return parseBuildStatement(z.unknown().parse(JSON.parse(Buffer.from(payload, 'base64').toString('utf8'))));
}

describe('a build of the same inputs', () => {
  it('is the earlier artifact, under a record of its own that names the first', async () => {
    const repository = await builds.createRepository();
    const first = await build(repository, { 'slipway.yml': text(), 'a.txt': 'a' });
    const changed = await build(repository, { 'a.txt': 'b' });
    const reverted = await build(repository, { 'a.txt': 'a' });
    expect([first.isRun, changed.isRun, reverted.isRun]).toEqual([true, true, false]);
    expect(reverted.made).toMatchObject({
      artifactId: first.made.artifactId,
      packDigest: first.made.packDigest,
      fileCount: first.made.fileCount,
      treeSizeBytes: first.made.treeSizeBytes,
      revision: reverted.job.revision,
    });
    expect(reverted.made.id).not.toBe(first.made.id);
    const steps = await listSteps(builds.db, reverted.job.id, 1);
    const same = `same as job #${first.job.number}`;
    expect(steps.map(({ phase, status, detail }) => [phase, status, detail === same])).toEqual([
      ['checkout', 'succeeded', false],
      ['plan', 'succeeded', false],
      ['toolchain', 'succeeded', false],
      ['build', 'skipped', true],
      ['build', 'skipped', true],
      ['pack', 'skipped', true],
      ['publish', 'succeeded', false],
    ]);
    expect(reverted.log).toContain(`tools as job #${first.job.number}: its artifact`);
    expect(await facts(repository.id, reverted.made.id)).toMatchObject({
      reusedBuildId: first.made.id,
      jobId: reverted.job.id,
      revision: reverted.job.revision,
      artifactId: first.made.artifactId,
    });
    expect(await facts(repository.id, first.made.id)).not.toHaveProperty('reusedBuildId');
  });

  it('is built all the same where a person asks, or asks again', async () => {
    const repository = await builds.createRepository();
    await build(repository, { 'slipway.yml': text() });
    expect((await build(repository, {}, { trigger: 'manual' })).isRun).toBe(true);
    // Fails while the file is missing, without a word of it in its sources.
    const gate = join(builds.root, 'gate');
    const failing = await repository.push({ 'slipway.yml': text(`  - run: test -e ${gate}\n`) }, { trigger: 'poll' });
    expect((await builds.ended(failing.id)).status).toBe('failed');
    await writeFile(gate, '');
    const before = await runs();
    await retryJob(builds.db, failing.id, Date.now());
    builds.pool.wake();
    expect(await builds.ended(failing.id)).toMatchObject({ status: 'succeeded', attempt: 2 });
    expect(await runs()).toBeGreaterThan(before);
    expect((await build(repository, {})).isRun).toBe(false);
  });
});

describe('a build is run again', () => {
  it('for another tree, plan, variable, secret or version of a tool, and for nothing else', async () => {
    const repository = await builds.createRepository();
    const of = { repositoryId: repository.id };
    await environment.setSecret({ ...of, name: 'TOKEN', value: 'first secret' });
    await environment.setVariable({ ...of, name: 'WORD', value: 'ahoy' });
    const secrets = 'secrets: [TOKEN]\n';
    expect((await build(repository, { 'slipway.yml': text(secrets) })).isRun).toBe(true);

    const changes: Record<string, () => Promise<Record<string, string>>> = {
      tree: async () => ({ 'b.txt': 'b' }),
      plan: async () => ({ 'slipway.yml': text(`${secrets}start: ./run\n`) }),
      variable: async () => {
        await environment.setVariable({ ...of, name: 'WORD', value: 'avast' });
        return {};
      },
      'new variable': async () => {
        await environment.setVariable({ ...of, name: 'OTHER', value: '' });
        return {};
      },
      secret: async () => {
        await environment.setSecret({ ...of, name: 'TOKEN', value: 'second secret' });
        return {};
      },
      tool: async () => {
        await makeTool('2.0.0');
        return {};
      },
    };
    const seen: Record<string, unknown> = {};
    for (const [name, change] of Object.entries(changes)) {
      const { isRun } = await build(repository, await change());
      seen[name] = [isRun, (await build(repository, {})).isRun];
    }
    expect(seen).toEqual(Object.fromEntries(Object.keys(changes).map(name => [name, [true, false]])));
    // A secret that the plan does not name is none of its inputs.
    await environment.setSecret({ ...of, name: 'UNASKED', value: 'third secret' });
    expect((await build(repository, {})).isRun).toBe(false);
    const keys = await builds.db.selectFrom('results').selectAll().where('repositoryId', '=', repository.id).execute();
    expect(keys).toHaveLength(1 + Object.keys(changes).length);
    expect(keys.every(({ key }) => /^[0-9a-f]{64}$/.test(key))).toBe(true);
  });

  it('where a step that looks at paths would run, and the earlier one had left it out', async () => {
    const repository = await builds.createRepository();
    const when = `  - { run: "echo docs >> ${ran}", when: { paths: [docs] } }\n`;
    const files = { 'slipway.yml': text(when), 'docs/a.md': 'a' };
    // Nothing is known of an earlier one: every step runs.
    await build(repository, files);
    // The same tree, and nothing changed since: the step is left out now.
    expect(await build(repository, {})).toMatchObject({ isRun: true });
    expect(await build(repository, {})).toMatchObject({ isRun: false });
    await build(repository, { 'docs/a.md': 'b' });
    // Back to the first tree, with docs changed since the last build: the very first is what it would make.
    expect(await build(repository, { 'docs/a.md': 'a' })).toMatchObject({ isRun: false });
  });

  it('where steps change something elsewhere, or the file says so', async () => {
    const repository = await builds.createRepository();
    for (const more of [
      `  - { phase: migrate, run: "true" }\n`,
      `  - { idempotent: false, run: "true" }\n`,
      'cache: { result: false }\n',
    ]) {
      await build(repository, { 'slipway.yml': text(more) });
      expect(await build(repository, {}), more).toMatchObject({ isRun: true });
    }
  });

  it('where its pack is no longer whole in the main store, which repairs it', async () => {
    const repository = await builds.createRepository();
    const first = await build(repository, { 'slipway.yml': text(), 'whole.txt': 'whole' });
    const file = join(builds.folder.mainStore, storeKeys.pack(first.made.packDigest));
    const bytes = await readFile(file);
    for (const damage of [
      async () => {
        await chmod(file, 0o644);
        await writeFile(file, Buffer.concat([bytes.subarray(0, -1), Buffer.of(bytes.at(-1) === 1 ? 2 : 1)]));
      },
      () => rm(file),
      () => rm(join(builds.folder.mainStore, storeKeys.fileList(first.made.artifactId))),
      () => rm(join(builds.folder.mainStore, storeKeys.torrent(first.made.packDigest))),
    ]) {
      await damage();
      const again = await build(repository, {});
      expect(again.isRun).toBe(true);
      expect(again.log).toContain('is no longer whole in the main store');
      expect(await readFile(file)).toEqual(bytes);
      expect((await build(repository, {})).isRun).toBe(false);
    }
  });

  it('in another repository, whoever else has the same sources', async () => {
    const one = await builds.createRepository();
    await build(one, { 'slipway.yml': text(), 'same.txt': 'same' });
    const other = await builds.createRepository();
    await git(other.source, 'pull', '--quiet', pathToFileURL(one.source).href, 'main');
    expect((await build(other, {})).isRun).toBe(true);
  });
});
