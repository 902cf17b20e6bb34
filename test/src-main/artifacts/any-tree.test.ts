/** Owns that packing and unpacking give back any tree that an artifact can hold, whatever is generated. */
import { chmod, lstat, mkdir, open, readdir, readFile, readlink, symlink } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packTree } from '../../../src-main/artifacts/pack-tree.ts';
import { unpackPack, verifyTree } from '../../../src-main/artifacts/unpack.ts';
import { entriesIn, temporaryFolder } from '../../support/artifact-trees.ts';

interface Extent {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

type Node =
  | {
      readonly kind: 'file';
      readonly mode: number;
      /** What lies between the extents is a hole. */
      readonly sizeBytes: number;
      readonly extents: readonly Extent[];
    }
  | { readonly kind: 'folder' }
  /** To the node of this number, or to nothing. */
  | { readonly kind: 'link'; readonly to: number };

/** Past a frame's size, so that some files lie in several. */
const largestBytes = 9 * 1024 * 1024;
const longestName = 240;

const mode = fc.constantFrom(0o400, 0o600, 0o640, 0o644, 0o700, 0o755, 0o555, 0o777);
const small = fc.record({
  kind: fc.constant('file' as const),
  mode,
  sizeBytes: fc.constant(0),
  extents: fc.uint8Array({ maxLength: 2_000 }).map(bytes => [{ offset: 0, bytes }]),
});
const sparse = fc.record({
  kind: fc.constant('file' as const),
  mode,
  sizeBytes: fc.integer({ min: 0, max: largestBytes }),
  extents: fc.array(
    fc.record({ offset: fc.integer({ min: 0, max: largestBytes }), bytes: fc.uint8Array({ maxLength: 600 }) }),
    { maxLength: 3 },
  ),
});
const node: fc.Arbitrary<Node> = fc.oneof(
  { weight: 5, arbitrary: small },
  { weight: 1, arbitrary: sparse },
  { weight: 1, arbitrary: fc.constant({ kind: 'folder' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('link' as const), to: fc.nat(20) }) },
);

const isPlain = (text: string) => /^[^\p{Cc}\\/]+$/u.test(text) && Buffer.byteLength(text) <= longestName;
/** Any Unicode there is: letters with their marks, code points that belong together nowhere, unassigned ones. */
const name = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 10 }),
    fc.string({ minLength: 90, maxLength: longestName }),
  )
  .filter(isPlain);

/** Numbered, so that no two differ only in what some file system does not tell apart; in few folders, so that they have some in common. */
const tree = fc
  .array(fc.record({ folders: fc.array(fc.nat(2), { maxLength: 4 }), deep: fc.boolean(), name, node }), {
    minLength: 1,
    maxLength: 14,
  })
  .map(nodes =>
    nodes.map(({ folders, deep, name: own, node: content }, index) => {
      const above = folders.map(folder => `folder ${folder}${deep ? 'ü'.repeat(100) : ''}`);
      return { path: [...above, `${index} ${own}`].join('/'), node: content };
    }),
  )
  .filter(nodes => nodes.some(({ node: { kind } }) => kind !== 'folder'));
type Tree = typeof tree extends fc.Arbitrary<infer Value> ? Value : never;

function targetOf(nodes: Tree, from: string, to: number): string {
  const target = nodes[to]?.path;
  return target === undefined ? 'nothing there' : path.posix.relative(path.posix.dirname(from), target);
}

async function make(root: string, nodes: Tree): Promise<void> {
  for (const { path: relative, node: content } of nodes) {
    const absolute = path.join(root, relative);
    await mkdir(path.dirname(absolute), { recursive: true });
    if (content.kind === 'folder') await mkdir(absolute);
    else if (content.kind === 'link') await symlink(targetOf(nodes, relative, content.to), absolute);
    else {
      const handle = await open(absolute, 'wx');
      await handle.truncate(content.sizeBytes);
      for (const { offset, bytes } of content.extents) await handle.write(bytes, 0, bytes.length, offset);
      await handle.close();
      await chmod(absolute, content.mode);
    }
  }
}

async function expectSame(nodes: Tree, root: string, unpacked: string): Promise<void> {
  const namesIn = async (folder: string) => (await readdir(folder, { recursive: true })).sort();
  expect(await namesIn(unpacked)).toEqual(await namesIn(root));
  for (const { path: relative, node: content } of nodes) {
    const [before, after] = [path.join(root, relative), path.join(unpacked, relative)];
    const stats = await lstat(after);
    if (content.kind === 'folder') expect(stats.isDirectory()).toBe(true);
    else if (content.kind === 'link') expect(await readlink(after)).toBe(await readlink(before));
    else {
      expect(stats.mode & 0o777).toBe((content.mode & 0o100) === 0 ? 0o644 : 0o755);
      expect((await readFile(after)).equals(await readFile(before)), relative).toBe(true);
    }
  }
}

test('packing and unpacking give back any tree, and its pack again', async () => {
  await fc.assert(
    fc.asyncProperty(tree, fc.constantFrom(1, 2), async (nodes, threads) => {
      const folder = await temporaryFolder();
      const [root, targetDir] = [path.join(folder, 'tree'), path.join(folder, 'unpacked')];
      await make(root, nodes);
      const outFile = path.join(folder, 'pack');
      const pack = await packTree({ root, include: ['.'], exclude: [], outFile, threads });
      const entries = entriesIn(pack);
      await unpackPack({ packFile: outFile, entries, targetDir, threads });
      await verifyTree(targetDir, entries);
      await expectSame(nodes, root, targetDir);
      const again = await packTree({
        root: targetDir,
        include: ['.'],
        exclude: [],
        outFile: `${outFile}2`,
        threads: 1,
      });
      expect(again.digest).toBe(pack.digest);
    }),
    { numRuns: 10 },
  );
});
