import { lstat, mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AgentFolder, agentFolder, openAgentFolder } from '../../../src-main/agent/agent-folder.ts';
import { fetchRelease } from '../../../src-main/agent/fetch-release.ts';
import { LinkedFiles, removeLinkedReleases } from '../../../src-main/agent/linked-files.ts';
import {
  nextTick,
  readTreeRecord,
  recordOf,
  removeTreeRecord,
  scanRelease,
  writeTreeRecord,
} from '../../../src-main/agent/tree-record.ts';
import { type Pack, storeKeys } from '../../../src-main/contract/documents.ts';
import { createFilesystemStore } from '../../../src-main/stores/filesystem-store.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { noise, temporaryFolder } from '../../support/artifact-trees.ts';
import { deltaBetween, type PackedVersion, packNodes } from '../../support/delta-fixtures.ts';

/** One machine and one store, with three versions of which one small file is another. */
async function createMachine() {
  const root = await temporaryFolder();
  const storeFolder = join(root, 'store');
  await mkdir(storeFolder);
  const store = createFilesystemStore(storeFolder);
  const folder = agentFolder(join(root, 'machine'));
  const lock = await openAgentFolder(folder);

  async function version(name: string, content: string): Promise<PackedVersion & { readonly pack: Pack }> {
    const packed = await packNodes(join(root, name), {
      kept: { kind: 'file', content: noise(20_000, 1), executable: false },
      'lib/large': { kind: 'file', content: noise(1_500_000, 2), executable: true },
      'lib/link': { kind: 'link', target: 'large' },
      changed: { kind: 'file', content, executable: false },
    });
    const { artifactId, digest, sizeBytes, fileList } = packed.packed;
    await store.put(storeKeys.fileList(artifactId), { kind: 'bytes', bytes: fileList });
    await store.put(storeKeys.pack(digest), { kind: 'file', path: packed.packFile, sizeBytes });
    const pack: Pack = { digest, kind: 'full', artifactId, baseArtifactId: null, sizeBytes, infoHash: '0'.repeat(40) };
    return { ...packed, pack };
  }

  async function deltaTo(base: PackedVersion, target: PackedVersion & { readonly pack: Pack }): Promise<Pack> {
    const outFile = join(root, `delta-${target.artifactId}`);
    const made = await deltaBetween(base, target, outFile);
    if (made === null) throw new Error('There is no delta.');
    const { digest, sizeBytes } = made;
    await store.put(storeKeys.pack(digest), { kind: 'file', path: outFile, sizeBytes });
    return { ...target.pack, kind: 'delta', baseArtifactId: base.artifactId, digest, sizeBytes };
  }

  /** The kind of the pack that it came by. */
  async function fetch(pack: Pack, deltas: readonly Pack[] = [], linkFiles = false): Promise<Pack['kind']> {
    const fetched = await fetchRelease({
      ...{ folder, stores: [store], swarm: null, guard: null, runningArtifactId: null, shared: [], pack, deltas },
      onPack: () => undefined,
      findPeers: () => Promise.resolve([]),
      onProgress: () => undefined,
      signal: new AbortController().signal,
      logger: silentLogger,
      linkFiles,
      givesNothing: false,
      fetching: new AbortController().signal,
    });
    return fetched.pack.kind;
  }

  const [one, two, three] = [await version('one', 'a'), await version('two', 'b'), await version('three', 'c')];
  const deltas = [await deltaTo(one, two), await deltaTo(two, three)] as const;
  await fetch(one.pack);
  return { folder, one, two, three, deltas, fetch, dispose: () => lock.release() };
}

async function isRecorded(folder: AgentFolder, { artifactId }: PackedVersion): Promise<boolean> {
  const record = await readTreeRecord(folder, artifactId);
  return record?.equals(recordOf(await scanRelease(folder.release(artifactId)))) ?? false;
}

let at: Awaited<ReturnType<typeof createMachine>>;
beforeEach(async () => {
  at = await createMachine();
});
afterEach(() => at.dispose());

const place = ({ folder }: typeof at, { artifactId }: PackedVersion, name: string) =>
  join(folder.release(artifactId), name);

describe.each([
  ['copied', false],
  ['linked', true],
])('a delta on a machine where files are %s', (_how, linkFiles) => {
  it.each(['kept', 'lib/large'])('does not read %s where its record holds', async name => {
    const { folder, one, two, deltas, fetch } = at;
    const file = place(at, one, name);
    // What no program can do: other bytes under a record that holds.
    const bad = await readFile(file);
    bad[7] = (bad[7] ?? 0) ^ 1;
    await writeFile(file, bad);
    await writeTreeRecord(folder, one.artifactId, recordOf(await scanRelease(folder.release(one.artifactId))));
    expect(await fetch(two.pack, deltas, linkFiles)).toBe('delta');
    expect((await readFile(place(at, two, name))).equals(bad)).toBe(true);
  });

  it.each(['kept', 'lib/large'])('catches that %s was changed and given its size and times again', async name => {
    const { folder, one, two, deltas, fetch } = at;
    const file = place(at, one, name);
    // A time that can be put back exactly, so that nothing but the last change tells.
    await utimes(file, 1_000, 1_000);
    await writeTreeRecord(folder, one.artifactId, recordOf(await scanRelease(folder.release(one.artifactId))));
    await nextTick(folder);
    const right = await readFile(file);
    const bad = Buffer.from(right);
    bad[7] = (bad[7] ?? 0) ^ 1;
    await writeFile(file, bad);
    await utimes(file, 1_000, 1_000);
    expect(await fetch(two.pack, deltas, linkFiles)).toBe('full');
    expect((await readFile(place(at, two, name))).equals(right)).toBe(true);
  });

  it('reads a base that has no record, or one of another version', async () => {
    const { folder, one, two, deltas, fetch } = at;
    await removeTreeRecord(folder, one.artifactId);
    await writeFile(folder.treeRecord(one.artifactId), `${'0'.repeat(64)}\n`);
    expect(await fetch(two.pack, deltas, linkFiles)).toBe('delta');
    expect(await isRecorded(folder, two)).toBe(true);
  });

  it('uses what its base keeps where one file of that was changed', async () => {
    const { one, two, deltas, fetch } = at;
    await writeFile(place(at, one, 'changed'), 'by a program');
    expect(await fetch(two.pack, deltas, linkFiles)).toBe('delta');
    expect(await readFile(place(at, two, 'changed'), 'utf8')).toBe('b');
  });

  it('leaves a record to each tree, with which the next delta and a rollback read nothing', async () => {
    const { folder, one, two, three, deltas, fetch } = at;
    expect(await fetch(two.pack, deltas, linkFiles)).toBe('delta');
    expect(await fetch(three.pack, deltas, linkFiles)).toBe('delta');
    const inodes = [one, two, three].map(async version => (await lstat(place(at, version, 'kept'))).ino);
    expect(new Set(await Promise.all(inodes)).size).toBe(linkFiles ? 1 : 3);
    for (const version of [one, two, three]) expect(await isRecorded(folder, version)).toBe(true);
    await removeLinkedReleases(folder, [one.artifactId], [two.artifactId, three.artifactId]);
    await expect(stat(folder.release(one.artifactId))).rejects.toThrow('ENOENT');
    for (const version of [two, three]) expect(await isRecorded(folder, version)).toBe(true);
  });
});

describe('the record of a tree with linked files', () => {
  it('does not vouch for a file that was written by its other name', async () => {
    const { folder, one, two, deltas, fetch } = at;
    await fetch(two.pack, deltas, true);
    const links = new LinkedFiles();
    const found = await scanRelease(folder.release(two.artifactId));
    const kept = found.find(({ path }) => path === 'kept');
    if (kept?.kind !== 'file') throw new Error('The file is not there.');
    links.add(kept.identity, kept.identity);
    expect(links.recordOf(found).equals(recordOf(found))).toBe(true);
    await nextTick(folder);
    const { atime, mtime } = await stat(place(at, one, 'kept'));
    await utimes(place(at, one, 'kept'), atime, mtime);
    const later = await scanRelease(folder.release(two.artifactId));
    expect(links.recordOf(later).equals(recordOf(later))).toBe(false);
  });

  it('still names a file that is gone when it is refreshed', async () => {
    const { folder, one, two, deltas, fetch } = at;
    await rm(place(at, one, 'changed'));
    await fetch(two.pack, deltas, true);
    expect(await isRecorded(folder, one)).toBe(false);
  });
});
