import { lstat, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentFolder } from '../../../src-main/agent/agent-folder.ts';
import {
  readTreeRecord,
  recordOf,
  scanRelease,
  TreeRecord,
  writeTreeRecord,
} from '../../../src-main/agent/tree-record.ts';
import { type MachineReport, type Pointer, storeKeys } from '../../../src-main/contract/documents.ts';
import { verifyReport } from '../../../src-main/releases/machine-report.ts';
import type { BlobStore } from '../../../src-main/stores/blob-store.ts';
import { createInstallation, type Installation, type Publication } from '../../support/agent-fixtures.ts';

let at: Installation;
beforeEach(async () => {
  at = await createInstallation();
});
afterEach(() => at.dispose());

async function reportOf({ machineId }: { readonly machineId: string }): Promise<MachineReport> {
  const found = await at.store.read(storeKeys.report(at.repositoryId, machineId), 100_000);
  return verifyReport(found?.bytes ?? Buffer.alloc(0), at.trust(), { repositoryId: at.repositoryId });
}

const packKey = ({ pointer }: Publication) => storeKeys.pack(pointer.packs[0]?.digest ?? '');

/** A machine that runs release 2 and keeps release 1. */
async function keeping() {
  const paired = await at.pairedAgent('web-1', { driftIntervalsMs: { files: 1e9, health: 1e9 } });
  const first = await at.publish(1, { 'app.txt': 'one', 'lib/a.txt': 'a' });
  await paired.agent.runOnce();
  await at.publish(2, { 'app.txt': 'two', 'lib/a.txt': 'a' });
  await paired.agent.runOnce();
  const { artifactId } = first.pointer;
  const folder = agentFolder(paired.root);
  const goBack = async (serial: number) => {
    await at.putPointer({ ...first.pointer, serial });
    return paired.agent.runOnce();
  };
  return { ...paired, first, artifactId, folder, goBack, app: join(folder.release(artifactId), 'app.txt') };
}

describe('a kept release', () => {
  it('is caught where a file was changed and given its size and times again', async () => {
    const { root, goBack, app, first } = await keeping();
    const { size, atime, mtime } = await stat(app);
    await writeFile(app, '0ne');
    await utimes(app, atime, mtime);
    expect(await stat(app)).toMatchObject({ size, mtimeMs: mtime.getTime() });
    expect(await goBack(3)).toMatchObject({
      kind: 'activated',
      bytes: { peers: 0, region: 0, reuse: first.packBytes },
    });
    expect(await at.currentFile(root, 'app.txt')).toBe('one');
  });

  it('is taken without reading it where the file system says what it said before, and read afterwards', async () => {
    const { agent, machine, root, folder, artifactId, goBack, app } = await keeping();
    // What no program can do: other bytes under a record that holds.
    await writeFile(app, 'bad');
    await writeTreeRecord(folder, artifactId, recordOf(await scanRelease(folder.release(artifactId))));
    expect(await goBack(3)).toMatchObject({ kind: 'activated', bytes: { peers: 0, region: 0 } });
    expect(await at.currentFile(root, 'app.txt')).toBe('bad');
    for (;;) {
      await agent.runOnce();
      if ((await reportOf(machine)).drift === '"app.txt" has other content') break;
    }
    // From now on nobody relies on the record.
    expect(await readTreeRecord(folder, artifactId)).toBeNull();
    await at.publish(4, { 'app.txt': 'four' });
    await agent.runOnce();
    expect(await goBack(5)).toMatchObject({ kind: 'activated', serial: 5 });
    expect(await at.currentFile(root, 'app.txt')).toBe('one');
  });

  it('is freed of what programs left in it, and keeps its record', async () => {
    const { root, folder, artifactId, goBack } = await keeping();
    const record = await readTreeRecord(folder, artifactId);
    await writeFile(join(folder.release(artifactId), 'lib/left.log'), 'x');
    await goBack(3);
    expect(await readdir(join(root, 'current/lib'))).toEqual(['a.txt']);
    expect([...(record?.rows() ?? [])].length).toBe(2);
    expect(await readTreeRecord(folder, artifactId)).toEqual(record);
  });

  it('has its record again when all of it was read', async () => {
    const { folder, artifactId, goBack, app } = await keeping();
    const { atime } = await stat(app);
    await utimes(app, atime, new Date(0));
    const before = await readTreeRecord(folder, artifactId);
    const { ino } = await lstat(app);
    await goBack(3);
    expect((await lstat(app)).ino).toBe(ino);
    const after = await readTreeRecord(folder, artifactId);
    expect([...(after?.rows() ?? [])].length).toBe(2);
    expect(after?.equals(before ?? TreeRecord.of([]))).toBe(false);
  });
});

describe('a machine that waits for its turn in a rollout', () => {
  const noOne = { rollout: { machines: [] } };
  const now = ({ pointer }: Publication): Pointer => ({
    ...pointer,
    rollout: undefined,
    issuedAtMs: pointer.issuedAtMs + 1,
  });

  async function waiting() {
    const paired = await at.pairedAgent('web-1');
    await at.publish(1, { 'app.txt': 'one' });
    await paired.agent.runOnce();
    const activation: Pointer['activation'] = { mode: 'restart', drainMs: 0, hook: null, shared: ['uploads'] };
    const second = await at.publish(2, { 'app.txt': 'two' }, { ...noOne, activation });
    expect(await paired.agent.runOnce()).toEqual({ kind: 'waiting', for: 'rollout' });
    return { ...paired, second };
  }

  it('has the release already, changed nothing that runs, and switches without a byte when its turn comes', async () => {
    const { agent, machine, root, second } = await waiting();
    expect(await at.currentFile(root, 'app.txt')).toBe('one');
    expect(await reportOf(machine)).toMatchObject({ phase: 'waiting', serial: 1, targetSerial: 2 });
    expect(await readFile(join(root, 'releases', second.pointer.artifactId, 'app.txt'), 'utf8')).toBe('two');
    await expect(stat(join(root, 'shared'))).rejects.toThrow('ENOENT');
    await at.store.delete(packKey(second));
    await at.putPointer(now(second));
    const bytes = { peers: 0, region: second.packBytes, reuse: 0 };
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 2, bytes });
    expect(await at.currentFile(root, 'app.txt')).toBe('two');
    expect((await stat(join(root, 'shared/uploads'))).isDirectory()).toBe(true);
  });

  it('mends what was changed in it meanwhile', async () => {
    const { agent, root, second } = await waiting();
    await writeFile(join(root, 'releases', second.pointer.artifactId, 'app.txt'), 'bad');
    await at.putPointer(now(second));
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 2 });
    expect(await at.currentFile(root, 'app.txt')).toBe('two');
  });

  it('goes on from what it has after a restart', async () => {
    const { agent, second } = await waiting();
    await agent.stop();
    await at.store.delete(packKey(second));
    const next = at.newAgent('web-1');
    expect(await next.runOnce()).toEqual({ kind: 'waiting', for: 'rollout' });
    await at.putPointer(now(second));
    expect(await next.runOnce()).toMatchObject({ kind: 'activated', bytes: { peers: 0, region: 0 } });
  });

  it('keeps no release that it waited for in vain', async () => {
    const { agent, root } = await waiting();
    await at.publish(3, { 'app.txt': 'three' }, noOne);
    expect(await agent.runOnce()).toEqual({ kind: 'waiting', for: 'rollout' });
    expect((await readdir(join(root, 'releases'))).length).toBe(2);
    const packs = (await readdir(join(root, 'packs'))).filter(name => name.endsWith('.tar.zst'));
    expect(packs.length).toBe(2);
  });
});

describe('a release that is superseded while it is fetched', () => {
  it('is left, and the newer one taken in the same look', async () => {
    let slow = '';
    const fetching = Promise.withResolvers<void>();
    const stalls: BlobStore = {
      ...at.store,
      localPath: () => null,
      async get(key, options) {
        if (key !== slow) return at.store.get(key, options);
        fetching.resolve();
        const { signal } = options ?? {};
        return new Readable({ read: () => undefined, ...(signal === undefined ? {} : { signal }) });
      },
    };
    const { agent, root } = await at.pairedAgent('web-1', { stores: [stalls] });
    slow = packKey(await at.publish(1, { 'app.txt': 'one' }));
    const look = agent.runOnce();
    await fetching.promise;
    await at.publish(2, { 'app.txt': 'two' });
    expect(await look).toMatchObject({ kind: 'activated', serial: 2 });
    expect(await at.currentFile(root, 'app.txt')).toBe('two');
  });
});
