import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseBuildStatement } from '../../../src-main/artifacts/build-record.ts';
import { decodeFileList } from '../../../src-main/artifacts/file-list.ts';
import { parseSbom } from '../../../src-main/artifacts/sbom/sbom-document.ts';
import { type BuildFacts, storeKeys } from '../../../src-main/contract/documents.ts';
import { listSteps } from '../../../src-main/database/attempts.ts';
import { findBuildOfJob } from '../../../src-main/database/builds.ts';
import { listEvents } from '../../../src-main/database/events.ts';
import type { JobRecord } from '../../../src-main/database/jobs.ts';
import { cancelJob } from '../../../src-main/queue/enqueue.ts';
import { verifyBuild } from '../../../src-main/releases/build-document.ts';
import { signTrust } from '../../../src-main/releases/trust-document.ts';
import { verifyStore } from '../../../src-main/releases/verify/verify-store.ts';
import { digestOf } from '../../../src-main/replication/transfer.ts';
import { parseMetainfo } from '../../../src-main/swarm/metainfo.ts';
import { pipeline, startBuilds } from '../../support/builds.ts';
import { isAlive } from '../../support/child-program.ts';
import { eventually } from '../../support/eventually.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { newSigner, trustOf } from '../../support/signed-protocol.ts';

const onEnd = endsWithFile();
let builds: Awaited<ReturnType<typeof startBuilds>>;

beforeAll(async () => {
  builds = await startBuilds({ onEnd });
});

const errorOf = (job: JobRecord) => JSON.parse(job.error ?? 'null');
const stepsOf = async (job: JobRecord) =>
  (await listSteps(builds.db, job.id, job.attempt)).map(({ name, status, exitCode }) => ({ name, status, exitCode }));
async function mustRead(key: string): Promise<Uint8Array> {
  const found = await builds.store.read(key, 1_000_000);
  if (!found) throw new Error(`${key} is not in the store`);
  return found.bytes;
}

/** Pushes these files as the first commit of a new repository, and waits for the end of their job. */
async function run(files: Readonly<Record<string, string>>): Promise<JobRecord> {
  const repository = await builds.createRepository();
  return builds.ended((await repository.push(files)).id);
}

describe('a job that succeeds', () => {
  let job: JobRecord;
  beforeAll(async () => {
    job = await run({
      'slipway.yml': `${pipeline('mkdir out', 'printf %s "$WORD" > out/word; chmod +x out/word')}env: { WORD: ahoy }\nartifact: [out]\n`,
      'README.md': 'not in the artifact',
      'go.sum': 'example.org/a v1.0.0 h1:x=\n',
    });
  });

  it('shows its steps, each with its place in the log', async () => {
    expect(job).toMatchObject({ status: 'succeeded', attempt: 1, error: null });
    const steps = await listSteps(builds.db, job.id, 1);
    expect(steps.map(step => step.phase)).toEqual([
      'checkout',
      'plan',
      'toolchain',
      'build',
      'build',
      'pack',
      'publish',
    ]);
    expect(new Set(steps.map(step => step.status))).toEqual(new Set(['succeeded']));
    const log = Buffer.from(await builds.log(job));
    for (const step of steps) {
      expect(log.subarray(step.logOffset ?? -1).toString()).toMatch(new RegExp(`^\\S+── ${step.name.slice(0, 8)}`));
    }
  });

  it('left its artifact whole in the main store', async () => {
    const build = await findBuildOfJob(builds.db, job.id);
    expect(build).toMatchObject({ attempt: 1, revision: job.revision, fileCount: 1, treeSizeBytes: 4 });
    const { packDigest = '', artifactId = '', infoHash = '' } = build ?? {};
    expect(await digestOf(builds.store, storeKeys.pack(packDigest), new AbortController().signal)).toBe(packDigest);
    expect(decodeFileList(await mustRead(storeKeys.fileList(artifactId)), artifactId)).toMatchObject([
      { kind: 'file', path: 'out/word', executable: true, sizeBytes: 4 },
    ]);
    expect(parseMetainfo(await mustRead(storeKeys.torrent(packDigest)), infoHash).name).toBe(`${packDigest}.tar.zst`);
  });

  it('left a build record that this installation signed, and that no other accepts', async () => {
    const build = await findBuildOfJob(builds.db, job.id);
    const record = await mustRead(storeKeys.build(job.repositoryId, build?.id ?? ''));
    const { keyring } = builds;
    const statement = verifyBuild(record, trustOf(keyring.root, [keyring.release]), z.unknown());
    expect(parseBuildStatement(statement)).toMatchObject({
      buildId: build?.id ?? '',
      jobId: job.id,
      revision: job.revision,
      artifactId: build?.artifactId ?? '',
      environmentNames: ['WORD'],
      environmentDigests: { WORD: expect.stringMatching(/^[0-9a-f]{64}$/) },
      sbom: { digest: expect.any(String), componentCount: 1 },
      pack: { digest: build?.packDigest ?? '', infoHash: build?.infoHash ?? '' },
    } satisfies Partial<Omit<BuildFacts, 'pack'>> & { pack: Partial<BuildFacts['pack']> });
    expect(() => verifyBuild(record, trustOf(newSigner(), [newSigner()]), z.unknown())).toThrow(
      expect.objectContaining({ code: 'trust.untrusted' }),
    );
  });

  it('left an SBOM of what its lock files name, whose digest is in the record', async () => {
    const build = await findBuildOfJob(builds.db, job.id);
    const bytes = await mustRead(storeKeys.sbom(job.repositoryId, build?.id ?? ''));
    expect(parseSbom(bytes)).toMatchObject({ components: [{ purl: 'pkg:golang/example.org/a@v1.0.0' }], unread: [] });
  });

  it('left a store in which everything holds', async () => {
    const { keyring, store } = builds;
    await store.put('trust.json', {
      kind: 'bytes',
      bytes: signTrust(trustOf(keyring.root, [keyring.release]), keyring.root),
    });
    const signal = new AbortController().signal;
    const result = await verifyStore({ store, rootPublicKey: keyring.rootPublicKey, all: true, nowMs: 1, signal });
    expect(result.problems).toEqual([]);
    expect(result.checked).toMatchObject({ trust: 1, builds: 1, sboms: 1, fileLists: 1, torrents: 1, packs: 1 });
  });

  it('tells its story in events, with the build stored last but one', async () => {
    const events = await listEvents(builds.db, { after: 0, limit: 100, jobId: job.id });
    const types = events.map(event => event.type).filter(type => !type.startsWith('job.step'));
    expect(types).toEqual(['revision.seen', 'job.queued', 'job.started', 'build.stored', 'job.finished']);
  });

  it('left no work folder', async () => {
    // The worker removes it after it has recorded the end.
    const isGone = async () => (await readdir(builds.folder.work).catch(() => [])).length === 0;
    await eventually(isGone, { what: 'the end of the work folder' });
  });
});

it('repairs a pack of the main store that was damaged, by building it again', async () => {
  const repository = await builds.createRepository();
  const first = await builds.ended((await repository.push({ 'slipway.yml': pipeline('true'), 'a.txt': 'tide' })).id);
  const digest = (await findBuildOfJob(builds.db, first.id))?.packDigest ?? '';
  const key = storeKeys.pack(digest);
  const bytes = Buffer.from(await mustRead(key));
  bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20);
  await builds.store.put(key, { kind: 'bytes', bytes });
  const again = await builds.ended((await repository.push({})).id);
  expect((await findBuildOfJob(builds.db, again.id))?.packDigest).toBe(digest);
  expect(await digestOf(builds.store, key, new AbortController().signal)).toBe(digest);
});

it('makes the same artifact of the same files, whatever the commit', async () => {
  const repository = await builds.createRepository();
  const first = await builds.ended((await repository.push({ 'slipway.yml': pipeline('true') })).id);
  const second = await builds.ended((await repository.push({})).id);
  const [one, two] = [await findBuildOfJob(builds.db, first.id), await findBuildOfJob(builds.db, second.id)];
  expect(two?.artifactId).toBe(one?.artifactId);
  expect(two?.packDigest).toBe(one?.packDigest);
  expect(two?.id).not.toBe(one?.id);
});

describe('a job fails', () => {
  it('with the exit code of its step, and runs nothing after it', async () => {
    const job = await run({ 'slipway.yml': pipeline('echo "on the way"', 'echo "no luck" >&2; exit 7', 'echo never') });
    expect(job.status).toBe('failed');
    expect(errorOf(job)).toMatchObject({ code: 'step.failed', details: { exitCode: 7 }, retry: 'user' });
    expect((await stepsOf(job)).slice(3)).toEqual([
      { name: expect.any(String), status: 'succeeded', exitCode: 0 },
      { name: expect.any(String), status: 'failed', exitCode: 7 },
      { name: expect.any(String), status: 'skipped', exitCode: null },
      { name: 'Pack', status: 'skipped', exitCode: null },
      { name: 'Publish to main store', status: 'skipped', exitCode: null },
    ]);
    const log = await builds.log(job);
    expect(log).toContain('no luck');
    expect(log).not.toContain('never\n');
    expect(await findBuildOfJob(builds.db, job.id)).toBeNull();
  });

  it('by the line of a broken slipway.yml', async () => {
    const job = await run({ 'slipway.yml': 'steps:\n  - run: "true"\n    fase: build\n' });
    expect(errorOf(job)).toMatchObject({ code: 'pipeline.invalid' });
    expect(errorOf(job).message).toMatch(/slipway\.yml:3|line 3/);
    expect(await stepsOf(job)).toEqual([
      { name: 'Check out', status: 'succeeded', exitCode: null },
      { name: 'Plan', status: 'failed', exitCode: null },
      { name: 'Tool chain', status: 'skipped', exitCode: null },
    ]);
  });

  it('when a step takes longer than it may', async () => {
    const job = await run({ 'slipway.yml': 'steps:\n  - name: Wait\n    run: sleep 600\n    timeout: 200ms\n' });
    expect(job.status).toBe('failed');
    expect(errorOf(job)).toMatchObject({ code: 'step.timeout', details: { timeoutMs: 200 } });
  });

  it('when its artifact is empty', async () => {
    const job = await run({ 'slipway.yml': `${pipeline('true')}artifact: [nowhere]\n` });
    expect(errorOf(job)).toMatchObject({ code: 'artifact.empty' });
  });

  it('when nothing says how to build it', async () => {
    expect(errorOf(await run({ 'notes.txt': 'x' }))).toMatchObject({ code: 'plan.nothing_detected' });
  });
});

it('cancels a running job, and leaves no process of it', async () => {
  const repository = await builds.createRepository();
  const job = await repository.push({
    'slipway.yml': pipeline(
      `sh -c 'echo $$ > ${builds.root}/child.new; mv ${builds.root}/child.new ${builds.root}/child; exec sleep 600'`,
    ),
  });
  const pid = await builds.numberIn('child');
  await cancelJob(builds.db, job.id, Date.now());
  builds.pool.cancel(job.id);
  const ended = await builds.ended(job.id);
  expect(ended).toMatchObject({ status: 'cancelled' });
  expect(errorOf(ended)).toMatchObject({ code: 'job.cancelled' });
  expect(isAlive(pid)).toBe(false);
  expect(await findBuildOfJob(builds.db, job.id)).toBeNull();
});

it('shows a step nothing of the engine, and keeps its temporary files in the attempt', async () => {
  const job = await run({
    'slipway.yml': pipeline('env', 'echo "$TMPDIR" | grep /work/ && test -d "$TMPDIR"', 'pwd'),
  });
  expect(job.status).toBe('succeeded');
  expect(await builds.log(job)).not.toContain('not-for-builds');
  expect(await builds.log(job)).toContain(`${builds.folder.work}/${job.id}-1/tree\n`);
});

it('names the tool that is missing before any step has run', async () => {
  // pip counts as installed where the first python3 on the path has it; this one has nothing.
  await mkdir(`${builds.root}/bin`);
  await writeFile(`${builds.root}/bin/python3`, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const job = await run({ 'slipway.yml': pipeline('echo begun', 'pip list') });
  expect(job.status).toBe('failed');
  expect(errorOf(job)).toMatchObject({ code: 'toolchain.missing', message: expect.stringContaining('needs pip') });
  expect(errorOf(job).details.missing).toMatchObject([
    { name: 'pip', install: expect.stringContaining('python3-pip') },
  ]);
  expect((await stepsOf(job)).slice(2, 4)).toEqual([
    { name: 'Tool chain', status: 'failed', exitCode: null },
    { name: expect.any(String), status: 'skipped', exitCode: null },
  ]);
});
