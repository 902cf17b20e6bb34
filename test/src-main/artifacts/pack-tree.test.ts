import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdir, open, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { artifactIdOf } from '../../../src-main/artifacts/file-list.ts';
import { pieceLengthFor } from '../../../src-main/artifacts/pack-file.ts';
import { type PackTreeOptions, packTree } from '../../../src-main/artifacts/pack-tree.ts';
import { unpackPack, verifyTree } from '../../../src-main/artifacts/unpack.ts';
import { crc32c, crc32cHex } from '../../../src-main/stores/crc32c.ts';
import { entriesIn, noise, type TreeNode, temporaryFolder, writeTree } from '../../support/artifact-trees.ts';

const run = promisify(execFile);
const isMissing = (program: string) => spawnSync(program, ['--version']).error !== undefined;
const whole = { include: ['.'], exclude: [] };

async function packed(nodes: Readonly<Record<string, TreeNode>>, options: Partial<PackTreeOptions> = {}) {
  const folder = await temporaryFolder();
  const root = path.join(folder, 'tree');
  await writeTree(root, nodes);
  const outFile = path.join(folder, 'out.tar.zst');
  const pack = await packTree({ root, ...whole, outFile, threads: 1, ...options });
  return { folder, root, outFile, pack };
}

const file = (content: string | Uint8Array, executable = false): TreeNode => ({ kind: 'file', content, executable });

/** Every shape that an artifact can have, with files on both sides of a frame's size. */
const variousTree: Readonly<Record<string, TreeNode>> = {
  'a-b': file('sorted before a/ by bytes'),
  'a/empty': file(''),
  'a/run.sh': file('#!/bin/sh\n', true),
  'bin/tool': { kind: 'link', target: '../a/run.sh' },
  'empty/folder': { kind: 'directory' },
  'exactly-one-block': file(noise(512)),
  'exactly-one-frame': file(noise(4 * 1024 * 1024, 3)),
  'large.bin': file(noise(9 * 1024 * 1024 + 17, 7)),
  'repeating.txt': file('slipway '.repeat(700_000)),
  [`${'long/'.repeat(30)}${'n'.repeat(120)}`]: file('a path of more than 100 bytes'),
  'ünï/文件 😀.txt': file('unicode'),
  'ünï/link 文': { kind: 'link', target: `../${'long/'.repeat(30)}${'n'.repeat(120)}` },
  '.hidden/.env': file('hidden files are files'),
  'odd name  with $(things); & "quotes"': file('odd'),
};

describe('packTree', () => {
  test('gives back the same tree', async () => {
    const { folder, outFile, pack } = await packed(variousTree, { threads: 2 });
    const targetDir = path.join(folder, 'unpacked');
    const entries = entriesIn(pack);
    await unpackPack({ packFile: outFile, entries, targetDir });
    await verifyTree(targetDir, entries);
    expect(entries.map(entry => entry.path)).toEqual(
      Object.keys(variousTree).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    );
    for (const [relative, node] of Object.entries(variousTree)) {
      if (node.kind === 'file')
        expect((await readFile(path.join(targetDir, relative))).equals(Buffer.from(node.content))).toBe(true);
    }
    expect(pack.unmatchedIncludes).toEqual([]);
  });

  test('describes the file that it wrote', async () => {
    const { outFile, pack } = await packed(variousTree, { md5: true });
    const bytes = await readFile(outFile);
    expect(pack.sizeBytes).toBe(bytes.length);
    expect(pack.digest).toBe(createHash('sha256').update(bytes).digest('hex'));
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += pack.pieceLengthBytes) {
      pieces.push(
        createHash('sha1')
          .update(bytes.subarray(at, at + pack.pieceLengthBytes))
          .digest(),
      );
    }
    expect(pack.checksums.crc32c).toBe(crc32cHex(crc32c(bytes)));
    expect(pack.checksums.md5).toBe(createHash('md5').update(bytes).digest('hex'));
    expect(Buffer.from(pack.pieces).equals(Buffer.concat(pieces))).toBe(true);
    expect(artifactIdOf(pack.fileList)).toBe(pack.artifactId);
  });

  test('writes the same bytes with any number of threads, at any time, in any folder', async () => {
    const first = await packed(variousTree, { threads: 1 });
    const second = await packed(variousTree, { threads: 3 });
    await utimes(path.join(second.root, 'a-b'), 1, 1);
    const third = await packTree({ root: second.root, ...whole, outFile: second.outFile, threads: 2 });
    expect(second.pack.digest).toBe(first.pack.digest);
    expect(third.digest).toBe(first.pack.digest);
    expect(third.artifactId).toBe(first.pack.artifactId);
  });

  test.skipIf(process.platform === 'win32')(
    'writes the same bytes whatever the order of creation, umask, locale, time zone and processors',
    async () => {
      const first = await packed(variousTree);
      const folder = await temporaryFolder();
      const root = path.join(folder, 'tree');
      // The order in which a file system names what is in a folder depends on the order of creation.
      await writeTree(root, Object.fromEntries(Object.entries(variousTree).reverse()));
      const outFile = path.join(folder, 'pack');
      const child = path.resolve(import.meta.dirname, '../../support/pack-child.ts');
      const script = 'umask 077; exec "$0" "$1" pack "$2" "$3"';
      const env = { ...process.env, LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8', TZ: 'Pacific/Kiritimati' };
      await run('sh', ['-c', script, process.execPath, child, root, outFile], { env });
      const bytes = await readFile(outFile);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(first.pack.digest);
    },
  );

  test('ends with a seek table whose frames decompress one by one to at most 4 MiB', async () => {
    const { outFile } = await packed(variousTree);
    const bytes = await readFile(outFile);
    const frames = bytes.readUInt32LE(bytes.length - 9);
    const table = bytes.length - 9 - frames * 8;
    expect(bytes.readUInt32LE(table - 8)).toBe(0x184d2a5e);
    let at = 0;
    for (let frame = 0; frame < frames; frame += 1) {
      const compressedBytes = bytes.readUInt32LE(table + frame * 8);
      const content = zstdDecompressSync(bytes.subarray(at, at + compressedBytes));
      expect(content.length).toBe(bytes.readUInt32LE(table + frame * 8 + 4));
      expect(content.length).toBeLessThanOrEqual(4 * 1024 * 1024);
      at += compressedBytes;
    }
    expect(at).toBe(table - 8);
  });

  test('cuts frames at file starts', async () => {
    const { outFile } = await packed({
      a: file(noise(3 * 1024 * 1024)),
      b: file('b'),
      c: file(noise(3 * 1024 * 1024, 2)),
    });
    const bytes = await readFile(outFile);
    const frames = bytes.readUInt32LE(bytes.length - 9);
    expect(frames).toBe(2);
    const firstBytes = bytes.readUInt32LE(bytes.length - 9 - frames * 8);
    const second = zstdDecompressSync(bytes.subarray(firstBytes));
    expect(second.subarray(0, 2).toString('latin1')).toBe('c\0');
  });

  test.skipIf(isMissing('tar') || isMissing('zstd'))(
    'is opened by tar and zstd (skipped where they are missing)',
    async () => {
      const { folder, outFile, pack } = await packed(variousTree);
      await run('zstd', ['-q', '-t', outFile]);
      const targetDir = path.join(folder, 'by-tar');
      await mkdir(targetDir);
      await run('tar', ['--zstd', '-xf', outFile, '-C', targetDir], { env: { ...process.env, LC_ALL: 'C.UTF-8' } });
      await verifyTree(targetDir, entriesIn(pack));
    },
  );

  test('lists entries by the bytes of their paths, also around a folder that is empty or whose name begins others', async () => {
    const paths = [
      'a',
      'a b',
      'a-/x',
      'a.txt',
      'b!',
      'b/c',
      'b/c.d',
      'b0',
      'c!',
      'c/d',
      'd',
      'd-',
      '\u{ff21}',
      '\u{1f600}',
    ];
    const nodes = Object.fromEntries(
      paths.map((one): [string, TreeNode] => [one, 'ad'.includes(one) ? { kind: 'directory' } : file(one)]),
    );
    const { pack } = await packed(nodes);
    const inOrder = Object.keys(nodes).toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
    expect(entriesIn(pack).map(entry => entry.path)).toEqual(inOrder);
  });

  test('gives back a sparse file, byte for byte', async () => {
    const folder = await temporaryFolder();
    const root = path.join(folder, 'tree');
    await writeTree(root, { 'sparse.bin': file('begin') });
    const handle = await open(path.join(root, 'sparse.bin'), 'r+');
    await handle.write(Buffer.from('middle'), 0, 6, 20 * 1024 * 1024 - 3);
    await handle.truncate(41 * 1024 * 1024 + 1);
    await handle.close();
    const outFile = path.join(folder, 'pack');
    const pack = await packTree({ root, ...whole, outFile });
    expect(pack.sizeBytes).toBeLessThan(64 * 1024);
    const targetDir = path.join(folder, 'unpacked');
    await unpackPack({ packFile: outFile, entries: entriesIn(pack), targetDir });
    const [before, after] = await Promise.all([root, targetDir].map(dir => readFile(path.join(dir, 'sparse.bin'))));
    expect(before?.equals(after ?? Buffer.alloc(0))).toBe(true);
  });

  test('takes what is included and not what is excluded, and never .git or .slipway', async () => {
    const { pack } = await packed(
      {
        'dist/index.js': file('1'),
        'dist/index.js.map': file('2'),
        'dist/cache/x': file('3'),
        'dist/logs/old.log': file('4'),
        'packages/a/lib/a.js': file('5'),
        'packages/a/src/a.ts': file('6'),
        'dist/vendor/.git/HEAD': file('7'),
        '.slipway/log': file('8'),
        'README.md': file('9'),
      },
      { include: ['dist/', './packages/*/lib', 'missing'], exclude: ['**/*.map', 'dist/cache', 'dist/logs/*'] },
    );
    const names = entriesIn(pack).map(entry => `${entry.kind} ${entry.path}`);
    expect(names).toEqual([
      'file dist/index.js',
      'directory dist/logs',
      'directory dist/vendor',
      'file packages/a/lib/a.js',
    ]);
    expect(pack.unmatchedIncludes).toEqual(['missing']);
  });

  test('refuses an empty result', async () => {
    await expect(packed({ 'a/b': { kind: 'directory' } })).rejects.toMatchObject({ code: 'artifact.empty' });
    await expect(packed({ a: file('a') }, { include: ['b'] })).rejects.toMatchObject({ code: 'artifact.empty' });
  });

  test.each(['/etc/passwd', '../../outside', '../sub/../../outside'])('refuses a link to %s', async target => {
    const attempt = packed({ a: file('a'), 'sub/link': { kind: 'link', target } });
    await expect(attempt).rejects.toMatchObject({ code: 'artifact.unsafe_path', details: { path: 'sub/link' } });
  });

  test('does not read through a link to a folder', async () => {
    const outside = await temporaryFolder();
    await writeFile(path.join(outside, 'secret'), 'secret');
    const folder = await temporaryFolder();
    await writeTree(folder, { 'tree/a': file('a') });
    await symlink(outside, path.join(folder, 'tree/link'));
    const options = { root: path.join(folder, 'tree'), outFile: path.join(folder, 'out'), exclude: [], threads: 1 };
    await expect(packTree({ ...options, include: ['link/secret'] })).rejects.toMatchObject({ code: 'artifact.empty' });
  });

  test.skipIf(process.platform === 'win32')('refuses a pipe, unless it is excluded', async () => {
    const folder = await temporaryFolder();
    await writeTree(folder, { 'tree/a': file('a') });
    await run('mkfifo', [path.join(folder, 'tree/pipe')]);
    const options = { root: path.join(folder, 'tree'), include: ['.'], outFile: path.join(folder, 'out'), threads: 1 };
    const attempt = packTree({ ...options, exclude: [] });
    await expect(attempt).rejects.toMatchObject({ code: 'artifact.unsupported_file', details: { path: 'pipe' } });
    expect((await packTree({ ...options, exclude: ['pipe'] })).fileCount).toBe(1);
  });

  test.skipIf(process.platform !== 'linux').each([
    ['files', 'lib/Readme', 'lib/README', 'lib/Readme'],
    ['folders', 'Lib/a', 'lib/b', 'Lib'],
    ['a file and a folder', 'LIB', 'lib/b', 'LIB'],
    ['two forms of one letter', 'caf\u00e9', 'cafe\u0301', 'caf\u00e9'],
  ])('refuses names that differ only in spelling, unless one is excluded: %s', async (_what, one, other, excluded) => {
    const nodes = { [one]: file('1'), [other]: file('2') };
    await expect(packed(nodes)).rejects.toMatchObject({ code: 'artifact.unsafe_path' });
    const { pack } = await packed(nodes, { exclude: [excluded] });
    expect(entriesIn(pack).map(entry => entry.path)).toEqual([other]);
  });

  test.skipIf(process.platform !== 'linux')('refuses a name that is not UTF-8', async () => {
    const folder = await temporaryFolder();
    await writeFile(Buffer.concat([Buffer.from(`${folder}/bad`), Buffer.from([0xff])]), 'x');
    const attempt = packTree({
      root: folder,
      ...whole,
      outFile: path.join(await temporaryFolder(), 'out'),
      threads: 1,
    });
    await expect(attempt).rejects.toMatchObject({ code: 'artifact.unsupported_file' });
  });

  test.each([
    ['to be shorter', 1000],
    ['and keeps its size', 40 * 1024 * 1024],
  ])('refuses a file that changes while it is read %s', async (_, newSize) => {
    const folder = await temporaryFolder();
    const root = path.join(folder, 'tree');
    await writeTree(root, { 'a.bin': file(noise(40 * 1024 * 1024)), 'z.bin': file(noise(100_000)) });
    let changed = false;
    const onProgress = () => {
      if (!changed) writeFileSync(path.join(root, 'a.bin'), noise(newSize, 5));
      changed = true;
    };
    const attempt = packTree({ root, ...whole, outFile: path.join(folder, 'out'), threads: 1, onProgress });
    await expect(attempt).rejects.toMatchObject({ code: 'conflict', details: { path: 'a.bin' } });
    expect(await readdir(folder)).toEqual(['tree']);
  });

  test('leaves nothing when it is aborted', async () => {
    const folder = await temporaryFolder();
    const root = path.join(folder, 'tree');
    await writeTree(root, { 'a.bin': file(noise(20 * 1024 * 1024)) });
    const abort = new AbortController();
    const reason = new Error('cancelled by the test');
    const onProgress = () => abort.abort(reason);
    const attempt = packTree({ root, ...whole, outFile: path.join(folder, 'out'), signal: abort.signal, onProgress });
    await expect(attempt).rejects.toBe(reason);
    expect(await readdir(folder)).toEqual(['tree']);
  });

  test('says what is wrong with the tree or the place for the pack', async () => {
    const folder = await temporaryFolder();
    const missing = packTree({ root: path.join(folder, 'none'), ...whole, outFile: path.join(folder, 'out') });
    await expect(missing).rejects.toMatchObject({ code: 'not_found' });
    await expect(packed({ a: file('a') }, { include: ['../x'] })).rejects.toMatchObject({ code: 'input.invalid' });
  });
});

test('the piece length grows with the tree, in powers of two from 256 KiB to 4 MiB', () => {
  const mebibyte = 1024 * 1024;
  expect([0, 256, 257, 1024, 1025, 1_000_000].map(size => pieceLengthFor(size * mebibyte) / 1024)).toEqual([
    256, 256, 512, 1024, 2048, 4096,
  ]);
});
