import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { expect, onTestFinished, test } from 'vitest';
import { insertRepository } from '../../../src-main/database/repositories.ts';
import { writeSetting } from '../../../src-main/database/settings.ts';
import { dataFolder } from '../../../src-main/domain/data-folder.ts';
import { boundMirrors, sweepMirrors } from '../../../src-main/poller/mirror-space.ts';
import { enqueueRevision } from '../../../src-main/queue/enqueue.ts';
import { findGit } from '../../../src-main/sources/git-cli.ts';
import { createMirror } from '../../../src-main/sources/mirror.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { testDatabase } from '../../support/database-fixtures.ts';
import { startGitServer } from '../../support/git-server.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const gitPath = await findGit();
const mebibyte = 1024 * 1024;
const hourMs = 60 * 60 * 1000;

async function setUp() {
  const { db, folder: root } = await testDatabase();
  const folder = dataFolder(root);
  const server = await startGitServer();
  onTestFinished(() => server.stop());
  const now = Date.now();

  /** A watched repository whose mirror takes 40 MiB, and was used `agoMs` ago. */
  async function watch(name: string, agoMs: number) {
    const source = await server.createRepository(name);
    const revision = await source.commit({ a: name }, name);
    const id = uuidv7();
    const { url } = source;
    const facts = { id, name, vcs: 'git', url, branch: 'main', nextPollAt: 0, pollFailures: 0, addedAt: 0 } as const;
    await insertRepository(db, facts);
    const path = folder.mirror(id);
    const mirror = createMirror({ folder: path, url, branch: 'main', gitPath, logger: silentLogger });
    await mirror.fetch({ branch: 'main', revision });
    await writeFile(join(path, 'filler'), Buffer.alloc(40 * mebibyte, name));
    const at = new Date(now - agoMs);
    await utimes(path, at, at);
    return { id, path, revision, mirror, source };
  }
  const present = async () => (await readdir(folder.mirrors)).sort();
  const bound = () => boundMirrors({ db, folder, clock: () => now });
  return { db, folder, watch, present, bound };
}

test('mirrors above the cap go, the one that was used longest ago first, and come back when they are needed', async () => {
  const { db, watch, present, bound } = await setUp();
  const newer = await watch('newer', hourMs);
  const oldest = await watch('oldest', 3 * hourMs);
  const older = await watch('older', 2 * hourMs);
  expect(await bound()).toMatchObject({ gone: 0 });
  await writeSetting(db, 'sources.mirrorBytes', String(100 * mebibyte));
  const { gone, sizeBytes } = await bound();
  expect(gone).toBe(1);
  expect(sizeBytes).toBeLessThanOrEqual(100 * mebibyte);
  expect(await present()).toEqual([`${newer.id}.git`, `${older.id}.git`].sort());

  expect(await oldest.mirror.readCommit(oldest.revision)).toMatchObject({ subject: 'oldest' });
  const second = await oldest.source.commit({ a: '2' }, 'second');
  const other = createMirror({
    folder: oldest.path,
    url: oldest.source.url,
    branch: 'main',
    gitPath,
    logger: silentLogger,
  });
  expect(await other.fetch({ branch: 'main' })).toEqual({ revision: second });
  expect(await other.isAncestor(oldest.revision, second)).toBe(true);
  // Used now, so it is the last to go.
  expect((await stat(oldest.path)).mtimeMs).toBeGreaterThan((await stat(newer.path)).mtimeMs);
});

test('a mirror that is gone is asked of the remote alone for what it can no longer tell', async () => {
  const { watch } = await setUp();
  const one = await watch('one', 0);
  await rm(one.path, { recursive: true });
  const targetFolder = join(await scratchFolder(), 'tree');
  expect(await one.mirror.checkout({ revision: one.revision, targetFolder })).toMatchObject({ files: 1 });
  await rm(one.path, { recursive: true });
  await expect(one.mirror.readCommit('f'.repeat(40))).rejects.toMatchObject({ code: 'git.revision_missing' });
});

test('no mirror goes whose repository has a job that waits, or that was used a moment ago', async () => {
  const { db, watch, present, bound } = await setUp();
  const waiting = await watch('waiting', 3 * hourMs);
  const fresh = await watch('fresh', 60_000);
  const idle = await watch('idle', 2 * hourMs);
  await enqueueRevision(db, {
    repositoryId: waiting.id,
    revision: { revision: waiting.revision, subject: 'waiting', authorName: 'Ada', committedAtMs: 0 },
    trigger: 'poll',
    seenAtMs: 0,
    now: 0,
  });
  await writeSetting(db, 'sources.mirrorBytes', String(64 * mebibyte));
  expect(await bound()).toMatchObject({ gone: 1 });
  expect(await present()).toEqual([`${waiting.id}.git`, `${fresh.id}.git`].sort());
  expect(idle.revision).toHaveLength(40);
});

test('what a killed process left is swept: mirrors of none, those half made, and indexes of checkouts', async () => {
  const { db, folder, watch, present } = await setUp();
  const { id, path } = await watch('kept', 0);
  for (const name of [`${id}.git.init-1`, `${id}.git.old-1`, 'inspect-1.git', `${uuidv7()}.git`]) {
    await mkdir(join(folder.mirrors, name));
  }
  await writeFile(join(path, 'checkout-1.index'), '');
  await writeFile(join(path, 'checkout-1.index.lock'), '');
  await sweepMirrors(db, folder);
  expect(await present()).toEqual([`${id}.git`]);
  expect((await readdir(path)).filter(name => name.startsWith('checkout-'))).toEqual([]);
});
