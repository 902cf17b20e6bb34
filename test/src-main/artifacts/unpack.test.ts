import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { packTree } from '../../../src-main/artifacts/pack-tree.ts';
import { encodeSeekTable } from '../../../src-main/artifacts/seek-table.ts';
import { tarHeader, tarPaddingBytes } from '../../../src-main/artifacts/tar-header.ts';
import { unpackPack, verifyTree } from '../../../src-main/artifacts/unpack.ts';
import type { FileEntry } from '../../../src-main/contract/documents.ts';
import { entriesIn, noise, type TreeNode, temporaryFolder, writeTree } from '../../support/artifact-trees.ts';

const file = (content: string | Uint8Array, executable = false): TreeNode => ({ kind: 'file', content, executable });
const tree: Readonly<Record<string, TreeNode>> = {
  a: file('first'),
  'bin/run': file('#!/bin/sh\n', true),
  'bin/link': { kind: 'link', target: '../a' },
  empty: { kind: 'directory' },
  'large.bin': file(noise(6 * 1024 * 1024)),
};

async function fixture() {
  const folder = await temporaryFolder();
  await writeTree(path.join(folder, 'tree'), tree);
  const packFile = path.join(folder, 'pack');
  const pack = await packTree({
    root: path.join(folder, 'tree'),
    include: ['.'],
    exclude: [],
    outFile: packFile,
    threads: 1,
  });
  await rm(path.join(folder, 'tree'), { recursive: true });
  return { folder, packFile, entries: entriesIn(pack), targetDir: path.join(folder, 'out') };
}

/** A pack by hand, as an attacker would make it: any headers, any contents. */
async function handmade(parts: readonly { readonly entry: FileEntry; readonly content?: string }[], end = 1024) {
  const folder = await temporaryFolder();
  const tar = Buffer.concat([
    ...parts.flatMap(({ entry, content = '' }) => [
      tarHeader(entry),
      Buffer.from(content),
      Buffer.alloc(tarPaddingBytes(content.length)),
    ]),
    Buffer.alloc(end),
  ]);
  const frame = zstdCompressSync(tar);
  const table = encodeSeekTable([{ compressedBytes: frame.length, contentBytes: tar.length }]);
  const packFile = path.join(folder, 'pack');
  await writeFile(packFile, Buffer.concat([frame, table]));
  return { folder, packFile, targetDir: path.join(folder, 'out') };
}

/** SHA-256 of `hello`. */
const helloSha256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const hello = (name: string): Extract<FileEntry, { kind: 'file' }> => ({
  kind: 'file',
  path: name,
  executable: false,
  sizeBytes: 5,
  sha256: helloSha256,
});
const link = (name: string, target: string): FileEntry => ({ kind: 'link', path: name, target });

async function expectRefused(
  parts: Parameters<typeof handmade>[0],
  entries: readonly FileEntry[],
  code: string,
): Promise<void> {
  const { folder, packFile, targetDir } = await handmade(parts);
  await expect(unpackPack({ packFile, entries, targetDir })).rejects.toMatchObject({ code });
  expect(await readdir(folder)).toEqual(['pack']);
}

describe('unpackPack', () => {
  test('writes what the list names, with its modes, below folders that were missing', async () => {
    const { folder, packFile, entries } = await fixture();
    const targetDir = path.join(folder, 'releases/one');
    const seen: number[] = [];
    await unpackPack({ packFile, entries, targetDir, onProgress: ({ bytesDone }) => seen.push(bytesDone) });
    await verifyTree(targetDir, entries);
    expect((await stat(path.join(targetDir, 'bin/run'))).mode & 0o777).toBe(0o755);
    expect((await stat(path.join(targetDir, 'a'))).mode & 0o777).toBe(0o644);
    expect(seen.at(-1)).toBe(6 * 1024 * 1024 + 15);
  });

  test.skipIf(process.platform === 'win32')('gives files and folders their modes whatever the umask', async () => {
    const { packFile, entries, targetDir } = await fixture();
    const before = process.umask(0o077);
    try {
      await unpackPack({ packFile, entries, targetDir });
    } finally {
      process.umask(before);
    }
    const modes = ['', 'a', 'bin', 'bin/run', 'empty'].map(
      async name => (await stat(path.join(targetDir, name))).mode & 0o777,
    );
    expect(await Promise.all(modes)).toEqual([0o755, 0o644, 0o755, 0o755, 0o755]);
  });

  test('accepts a pack made by hand where everything is right', async () => {
    const { packFile, targetDir } = await handmade([{ entry: hello('a'), content: 'hello' }]);
    await unpackPack({ packFile, entries: [hello('a')], targetDir });
    expect(await readFile(path.join(targetDir, 'a'), 'utf8')).toBe('hello');
  });

  test('refuses a pack that holds anything but the list', async () => {
    const a = { entry: hello('a'), content: 'hello' };
    const list = [hello('a')];
    await expectRefused([a, { entry: hello('b'), content: 'hello' }], list, 'artifact.malformed');
    await expectRefused([a, a], list, 'artifact.malformed');
    await expectRefused([a], [hello('a'), hello('b')], 'artifact.malformed');
    await expectRefused([{ entry: hello('../a'), content: 'hello' }], list, 'artifact.malformed');
    await expectRefused([{ entry: hello('/tmp/a'), content: 'hello' }], list, 'artifact.malformed');
    await expectRefused([{ entry: { ...hello('a'), executable: true }, content: 'hello' }], list, 'artifact.malformed');
    await expectRefused([{ entry: link('a', '/etc/passwd') }], list, 'artifact.malformed');
    await expectRefused([{ entry: link('a', '/etc/passwd') }], [link('a', 'b')], 'artifact.malformed');
    await expectRefused([{ entry: { ...hello('a'), sizeBytes: 6 }, content: 'hello!' }], list, 'artifact.malformed');
    await expectRefused([{ entry: hello('a'), content: 'jello' }], list, 'artifact.digest_mismatch');
  });

  test.each<[string, number, string]>([
    ['a setuid file', 100, '0004755\0'],
    ['a setgid file', 100, '0002755\0'],
    ['a file that all may write', 100, '0000666\0'],
    ["another user's file", 108, '0001750\0'],
    ['a hard link', 156, '1'],
    ['a character device', 156, '3'],
    ['a block device', 156, '4'],
    ['a pipe', 156, '6'],
  ])('refuses %s where the list has a plain one', async (_, offset, field) => {
    const header = Buffer.from(tarHeader(hello('a')));
    header.write(field, offset, 'latin1');
    // The checksum is the sum of all bytes, its own field taken as spaces. Source: POSIX.1-2017, pax.
    header.write(' '.repeat(8), 148, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    const tar = Buffer.concat([header, Buffer.from('hello'), Buffer.alloc(507 + 1024)]);
    const frame = zstdCompressSync(tar);
    const folder = await temporaryFolder();
    const packFile = path.join(folder, 'pack');
    const table = encodeSeekTable([{ compressedBytes: frame.length, contentBytes: tar.length }]);
    await writeFile(packFile, Buffer.concat([frame, table]));
    const attempt = unpackPack({ packFile, entries: [hello('a')], targetDir: path.join(folder, 'out') });
    await expect(attempt).rejects.toMatchObject({ code: 'artifact.malformed', details: { expected: 'a' } });
    expect(await readdir(folder)).toEqual(['pack']);
  });

  test('unpacks a pack that somebody else has cut into frames, in the middle of headers, files and padding', async () => {
    const folder = await temporaryFolder();
    const parts = [hello('a'), { ...hello('b'), sizeBytes: 0, sha256: emptySha256 }, hello('c')];
    const tar = Buffer.concat([
      ...parts.flatMap(entry =>
        entry.sizeBytes === 0 ? [tarHeader(entry)] : [tarHeader(entry), Buffer.from('hello'), Buffer.alloc(507)],
      ),
      Buffer.alloc(1024),
    ]);
    const cuts = [0, 7, 300, 512, 514, 516, 700, 1024, 1030, 1536, 2049, 2060, tar.length - 3, tar.length];
    const frames = cuts.slice(1).map((end, index) => tar.subarray(cuts[index], end));
    const packed = frames.map(frame => zstdCompressSync(frame));
    const table = encodeSeekTable(
      packed.map((frame, index) => ({
        compressedBytes: frame.length,
        contentBytes: frames[index]?.length ?? 0,
      })),
    );
    const packFile = path.join(folder, 'pack');
    await writeFile(packFile, Buffer.concat([...packed, table]));
    const targetDir = path.join(folder, 'out');
    await unpackPack({ packFile, entries: parts, targetDir, threads: 2 });
    await verifyTree(targetDir, parts);
    const wrong = parts.map(entry => (entry.path === 'a' ? { ...entry, sha256: 'f'.repeat(64) } : entry));
    const attempt = unpackPack({ packFile, entries: wrong, targetDir: path.join(folder, 'wrong') });
    await expect(attempt).rejects.toMatchObject({ code: 'artifact.digest_mismatch', details: { path: 'a' } });
    expect((await readdir(folder)).sort()).toEqual(['out', 'pack']);
  });

  test('refuses data hidden in the padding', async () => {
    await expectRefused([{ entry: hello('a'), content: 'hello hidden' }], [hello('a')], 'artifact.malformed');
  });

  test('refuses an unsafe list before it looks at the pack', async () => {
    const outside = [{ entry: hello('../a'), content: 'hello' }];
    await expectRefused(outside, [hello('../a')], 'artifact.unsafe_path');
    await expectRefused([], [link('a', '..')], 'artifact.unsafe_path');
    await expectRefused([], [link('a', 'b'), hello('a/x')], 'artifact.unsafe_path');
  });

  test('refuses a damaged, shortened or foreign pack, and leaves nothing', async () => {
    const { folder, packFile, entries, targetDir } = await fixture();
    const sound = await readFile(packFile);
    const flipped = Buffer.from(sound);
    flipped[1_000_000] = (flipped[1_000_000] ?? 0) ^ 1;
    const variants = [flipped, sound.subarray(0, -1), sound.subarray(0, 2_000_000), sound.subarray(1), Buffer.alloc(0)];
    for (const bytes of [...variants, Buffer.alloc(100), Buffer.concat([sound, sound])]) {
      await writeFile(packFile, bytes);
      await expect(unpackPack({ packFile, entries, targetDir })).rejects.toMatchObject({ code: 'artifact.malformed' });
      expect(await readdir(folder)).toEqual(['pack']);
    }
  });

  test('refuses a frame that grows beyond what the seek table says', async () => {
    const folder = await temporaryFolder();
    const packFile = path.join(folder, 'pack');
    const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024), { params: { [constants.ZSTD_c_windowLog]: 25 } });
    const table = encodeSeekTable([{ compressedBytes: bomb.length, contentBytes: 2048 }]);
    await writeFile(packFile, Buffer.concat([bomb, table]));
    const attempt = unpackPack({ packFile, entries: [hello('a')], targetDir: path.join(folder, 'out') });
    await expect(attempt).rejects.toMatchObject({ code: 'artifact.malformed' });
  });

  test('leaves nothing when it is aborted', async () => {
    const { folder, packFile, entries, targetDir } = await fixture();
    const abort = new AbortController();
    const reason = new Error('cancelled by the test');
    const onProgress = () => abort.abort(reason);
    await expect(unpackPack({ packFile, entries, targetDir, signal: abort.signal, onProgress })).rejects.toBe(reason);
    expect(await readdir(folder)).toEqual(['pack']);
  });

  test('touches no folder that is there already', async () => {
    const { packFile, entries, targetDir } = await fixture();
    await mkdir(targetDir);
    await writeFile(path.join(targetDir, 'mine'), 'kept');
    await expect(unpackPack({ packFile, entries, targetDir })).rejects.toMatchObject({ code: 'conflict' });
    expect(await readdir(targetDir)).toEqual(['mine']);
  });

  test('says that the pack is missing', async () => {
    const folder = await temporaryFolder();
    const attempt = unpackPack({
      packFile: path.join(folder, 'x'),
      entries: [hello('a')],
      targetDir: path.join(folder, 'out'),
    });
    await expect(attempt).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('verifyTree', () => {
  test.each<[string, (dir: string) => Promise<unknown>, string]>([
    ['other content of the same size', dir => writeFile(path.join(dir, 'a'), 'FIRST'), 'a'],
    ['another size', dir => writeFile(path.join(dir, 'a'), 'longer than before'), 'a'],
    ['a lost executable bit', dir => chmod(path.join(dir, 'bin/run'), 0o644), 'bin/run'],
    ['a missing file', dir => rm(path.join(dir, 'large.bin')), 'large.bin'],
    ['an extra file', dir => writeFile(path.join(dir, 'bin/more'), ''), 'bin/more'],
    ['an extra empty folder', dir => mkdir(path.join(dir, 'more')), 'more'],
    ['something in an empty folder', dir => writeFile(path.join(dir, 'empty/x'), ''), 'empty'],
    ['a missing tree', dir => rm(dir, { recursive: true }), '.'],
    [
      'a link to elsewhere',
      async dir => {
        await rm(path.join(dir, 'bin/link'));
        await symlink('run', path.join(dir, 'bin/link'));
      },
      'bin/link',
    ],
    [
      'a link in place of a file with the same content',
      async dir => {
        await rm(path.join(dir, 'a'));
        await writeFile(`${dir}-a`, 'first');
        await symlink(`${dir}-a`, path.join(dir, 'a'));
      },
      'a',
    ],
  ])('finds %s', async (_, change, where) => {
    const { packFile, entries, targetDir } = await fixture();
    await unpackPack({ packFile, entries, targetDir });
    await verifyTree(targetDir, entries);
    await change(targetDir);
    const problem = { code: 'artifact.digest_mismatch', details: { path: where } };
    await expect(verifyTree(targetDir, entries)).rejects.toMatchObject(problem);
  });
});
