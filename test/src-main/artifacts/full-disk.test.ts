/** A full disk under a pack and under a release that is unpacked. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { packTree } from '../../../src-main/artifacts/pack-tree.ts';
import { unpackPack, verifyTree } from '../../../src-main/artifacts/unpack.ts';
import { entriesIn, noise, type TreeNode, temporaryFolder, writeTree } from '../../support/artifact-trees.ts';
import { canMount, mountSmallDisk } from '../../support/small-disk.ts';

const mebibyte = 1024 * 1024;
const tree: Readonly<Record<string, TreeNode>> = {
  'large.bin': { kind: 'file', content: noise(9 * mebibyte) },
  ...Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [
      `small/${index}`,
      { kind: 'file' as const, content: noise(50_000, index + 1) },
    ]),
  ),
};

describe.skipIf(!canMount())('a full disk', () => {
  async function fixture() {
    const folder = await temporaryFolder();
    const root = path.join(folder, 'tree');
    await writeTree(root, tree);
    const disk = await mountSmallDisk(path.join(folder, 'disk'), '6m');
    onTestFinished(() => disk.unmount());
    return { folder, root, disk };
  }

  test('under a pack is said, and leaves nothing; with room the next run makes it', async () => {
    const { root, disk } = await fixture();
    const pack = (include: string[]) =>
      packTree({ root, include, exclude: [], outFile: path.join(disk.path, 'pack'), threads: 2 });
    await expect(pack(['.'])).rejects.toMatchObject({ code: 'store.full' });
    expect(await readdir(disk.path)).toEqual([]);
    expect((await pack(['small'])).fileCount).toBe(60);
    expect(await readdir(disk.path)).toEqual(['pack']);
  });

  test('under a release is said, and leaves nothing; with room the next run unpacks it', async () => {
    const { folder, root, disk } = await fixture();
    const packFile = path.join(folder, 'pack');
    const whole = await packTree({ root, include: ['.'], exclude: [], outFile: packFile });
    const targetDir = path.join(disk.path, 'release');
    const attempt = unpackPack({ packFile, entries: entriesIn(whole), targetDir, threads: 2 });
    await expect(attempt).rejects.toMatchObject({ code: 'agent.disk_full' });
    expect(await readdir(disk.path)).toEqual([]);
    const small = await packTree({ root, include: ['small'], exclude: [], outFile: packFile });
    await unpackPack({ packFile, entries: entriesIn(small), targetDir });
    await verifyTree(targetDir, entriesIn(small));
  });
});
