/** Caches of real builds: hit, base and miss, what they never do to an artifact, and what becomes of them when things go wrong. */
import { access, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildLocally } from '../../../src-main/cli/local-build.ts';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import { listSteps } from '../../../src-main/database/attempts.ts';
import { findBuildOfJob } from '../../../src-main/database/builds.ts';
import { listCaches, listReadyCaches } from '../../../src-main/database/caches.ts';
import type { JobRecord } from '../../../src-main/database/jobs.ts';
import { listLiveWorkers } from '../../../src-main/database/workers.ts';
import { cachesView, setCacheLimit } from '../../../src-main/queue/cache-space.ts';
import { startBuilds } from '../../support/builds.ts';
import { eventually } from '../../support/eventually.ts';
import { endsWithFile } from '../../support/for-this-file.ts';

const onEnd = endsWithFile();
let builds: Awaited<ReturnType<typeof startBuilds>>;

beforeAll(async () => {
  builds = await startBuilds({ onEnd });
});

/** Says what it finds of earlier builds, and leaves a line of its own. */
const keeps = (cache: string, rest = '') => `steps:
  - run: mkdir -p deps && echo "found [$(cat deps/list 2>/dev/null | tr '\\n' ' ')]"
  - run: cat lock.txt >> deps/list && mkdir -p out && cat lock.txt > out/lock
cache: ${cache}
${rest}`;
const byLock = '[{ name: deps, paths: [deps], key: [lock.txt] }]';

type Repository = Awaited<ReturnType<typeof builds.createRepository>>;

async function build(
  repository: Repository,
  files: Readonly<Record<string, string>>,
  how: Parameters<Repository['push']>[1] = {},
) {
  const job = await builds.ended((await repository.push(files, how)).id);
  return { job, log: await builds.log(job), steps: await stepsOf(job), paths: await pathsOf(job) };
}

async function stepsOf(job: JobRecord) {
  const steps = await listSteps(builds.db, job.id, job.attempt);
  return Object.fromEntries(steps.map(step => [step.name, step]));
}

async function pathsOf(job: JobRecord): Promise<string[]> {
  const made = await findBuildOfJob(builds.db, job.id);
  if (made === null) return [];
  const list = await builds.store.read(storeKeys.fileList(made.artifactId), 1_000_000);
  return [
    ...Buffer.from(list?.bytes ?? [])
      .toString('utf8')
      .matchAll(/"path":"([^"]+)"/g),
  ].map(([, path = '']) => path);
}

const ready = (repository: Repository) => listReadyCaches(builds.db, repository.id, 'deps');

describe('a cache', () => {
  it('is kept under its lock file, put back for the same one, and a base for the next', async () => {
    const repository = await builds.createRepository();
    const first = await build(repository, { 'slipway.yml': keeps(byLock), 'lock.txt': 'one\n' });
    expect(first.job.status, first.log).toBe('succeeded');
    expect(first.steps['Restore caches']?.detail).toMatch(/^deps: miss, key [0-9a-f]{12}$/);
    expect(first.steps['Save caches']?.detail).toMatch(/^deps: kept, key [0-9a-f]{12}, 1 file, [\d.]+ KiB$/);
    expect(first.log).toContain('found []\n');

    const second = await build(repository, { 'other.txt': 'changed' });
    expect(second.log).toContain('found [one ]\n');
    expect(second.steps['Restore caches']?.detail).toMatch(
      /^deps: hit, key [0-9a-f]{12}, 1 file, [\d.]+ KiB in \d+ ms$/,
    );
    expect(second.steps['Save caches']).toMatchObject({ status: 'skipped' });

    // What the second build did to it was not kept: under one key there is one content.
    const third = await build(repository, { 'lock.txt': 'two\n' });
    expect(third.log).toContain('found [one ]\n');
    expect(third.steps['Restore caches']?.detail).toContain(`deps: base of job #${first.job.number}, key `);
    expect((await build(repository, { 'other.txt': 'again' })).log).toContain('found [one two ]\n');
    expect(await ready(repository)).toHaveLength(2);

    // A build that asks for none starts from nothing, and its own takes the place of the old one.
    const fresh = await build(repository, {}, { withoutCache: true });
    expect(fresh.log).toContain('found []\n');
    expect((await build(repository, {})).log).toContain('found [two ]\n');
    expect(await ready(repository)).toHaveLength(2);
    expect(await readdir(join(builds.folder.caches, repository.id))).toHaveLength(2);
  });

  it('is in the artifact only where the artifact names it', async () => {
    const repository = await builds.createRepository();
    const files = { 'slipway.yml': keeps(byLock), 'lock.txt': 'one\n' };
    expect((await build(repository, files)).paths).toEqual(['lock.txt', 'out/lock', 'slipway.yml']);
    expect((await build(repository, {})).paths).toEqual(['lock.txt', 'out/lock', 'slipway.yml']);
    const named = await build(repository, { 'slipway.yml': keeps(byLock, 'artifact: [deps, out]') });
    expect(named.paths).toEqual(['deps/list', 'out/lock']);
  });

  it('gives a build what a build without it gives, on a worker and without one', async () => {
    const repository = await builds.createRepository();
    const files = { 'slipway.yml': keeps(byLock), 'lock.txt': 'one\n' };
    const jobs = [
      await build(repository, files),
      await build(repository, {}),
      await build(repository, {}, { trigger: 'poll' }),
    ];
    const signal = new AbortController().signal;
    const local = await buildLocally(
      {
        path: repository.source,
        revision: null,
        branch: null,
        leftOut: null,
        dataFolder: builds.folder.root,
        signal,
        onLog: () => undefined,
      },
      async ({ artifact }) => ({ artifactId: artifact.pack.artifactId, packDigest: artifact.pack.digest }),
    );
    // The second had the cache, and the third is the second's result.
    expect(jobs[1]?.log).toContain('deps: hit');
    for (const { job } of jobs) expect(await findBuildOfJob(builds.db, job.id)).toMatchObject(local);
  });

  it('lies outside of the checkout where a tool is told by a variable', async () => {
    const repository = await builds.createRepository();
    const text = `steps:
  - run: cat "$TOOL_CACHE/seen" || true; ls; echo tool-was-here > "$TOOL_CACHE/seen"
cache: [{ variable: TOOL_CACHE, key: [slipway.yml] }]
`;
    const first = await build(repository, { 'slipway.yml': text });
    expect(first.log).not.toContain('\ntool-was-here\n');
    const second = await build(repository, {});
    expect(second.log).toContain('\ntool-was-here\nslipway.yml\n');
    expect(second.steps['Restore caches']?.detail).toContain('tool-cache: hit');
    expect(second.paths).toEqual(['slipway.yml']);
  });

  it('is not kept of a build that failed', async () => {
    const repository = await builds.createRepository();
    const text = `${keeps(byLock).replace('cache:', '  - run: exit 3\ncache:')}`;
    const { job } = await build(repository, { 'slipway.yml': text, 'lock.txt': 'one\n' });
    expect(job.status).toBe('failed');
    expect(await listCaches(builds.db, repository.id)).toEqual([]);
  });

  it('belongs to one repository', async () => {
    const [one, other] = [await builds.createRepository(), await builds.createRepository()];
    const files = { 'slipway.yml': keeps(byLock), 'lock.txt': 'one\n' };
    await build(one, files);
    expect((await build(other, files)).log).toContain('found []\n');
  });

  it('is neither kept nor put back through a link, and never over a file of the repository', async () => {
    const outside = join(builds.root, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'precious'), 'untouched');
    const repository = await builds.createRepository();
    const files = { 'slipway.yml': keeps(byLock), 'lock.txt': 'one\n' };
    await build(repository, files);
    // The repository turns the cached folder into a link.
    await symlink(outside, join(repository.source, 'deps'));
    const linked = await build(repository, { 'slipway.yml': keeps(byLock).replace('>> deps/list', '>> /dev/null') });
    expect(linked.job.status, linked.log).toBe('succeeded');
    expect(linked.steps['Restore caches']?.detail).toContain('not put back: "deps" is a link');
    expect(await readdir(outside)).toEqual(['precious']);
    // A step does.
    await rm(join(repository.source, 'deps'));
    const steps = `steps: [{ run: "rm -rf deps; ln -s ${outside} deps" }]\ncache: ${byLock}\n`;
    const kept = await build(repository, { 'slipway.yml': steps, 'lock.txt': 'two\n' });
    expect(kept.steps['Save caches']?.detail).toContain('not kept: "deps" is a link');
    // It commits a file of the same name.
    const committed = await build(repository, {
      'slipway.yml': keeps(byLock),
      'deps/list': 'mine\n',
      'lock.txt': 'one\n',
    });
    expect(committed.steps['Restore caches']?.detail).toContain('deps: hit');
    expect(committed.log).toContain('found [mine ]\n');
    expect(await readFile(join(outside, 'precious'), 'utf8')).toBe('untouched');
  });

  it('that is larger than the cap is not kept, which fails no build', async () => {
    const { limitBytes } = await cachesView(builds.db);
    await setCacheLimit(builds.db, builds.folder, 4096);
    const repository = await builds.createRepository();
    const { job, steps } = await build(repository, { 'slipway.yml': keeps(byLock), 'lock.txt': 'one\n' });
    await setCacheLimit(builds.db, builds.folder, limitBytes);
    expect(job.status).toBe('succeeded');
    expect(steps['Save caches']?.detail).toMatch(
      /^deps: not kept: [\d.]+ KiB do not fit into the 4.00 KiB of all caches$/,
    );
    expect(await listCaches(builds.db)).toEqual([]);
  });

  it('that a killed worker was writing is never seen, and its room is free again', async () => {
    const repository = await builds.createRepository();
    const text = `steps: [{ run: "mkdir deps && cd deps && seq 1 4000 | xargs touch" }]\ncache: ${byLock}\n`;
    const job = await repository.push({ 'slipway.yml': text, 'lock.txt': 'one\n' });
    const writing = await eventually(
      async () => {
        const [row] = await listCaches(builds.db, repository.id);
        if (row?.status !== 'writing') return null;
        await access(join(builds.folder.cacheOf(row), 'deps'));
        return row;
      },
      { what: 'a cache that is being written' },
    );
    const [worker] = await listLiveWorkers(builds.db);
    process.kill(worker?.pid ?? 0, 'SIGKILL');
    expect(await ready(repository)).toEqual([]);
    const again = await builds.ended(job.id);
    expect(again).toMatchObject({ status: 'succeeded', attempt: 2 });
    expect((await stepsOf(again))['Restore caches']?.detail).toContain('deps: miss');
    // Only what the second attempt wrote is there, and it is whole.
    const rows = await listCaches(builds.db, repository.id);
    expect(rows).toMatchObject([{ status: 'ready' }]);
    expect(rows[0]?.id).not.toBe(writing.id);
    expect(await readdir(join(builds.folder.caches, repository.id))).toEqual([`deps-${rows[0]?.id}`]);
    expect(await readdir(join(builds.folder.cacheOf(writing), '..', `deps-${rows[0]?.id}`, 'deps'))).toHaveLength(4000);
  });
});
