import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyDelta } from '../../../src-main/artifacts/delta-apply.ts';
import { encodeInstruction } from '../../../src-main/artifacts/delta-format.ts';
import { readSignature, writeSignature } from '../../../src-main/artifacts/delta-signature.ts';
import { encodeSeekTable } from '../../../src-main/artifacts/seek-table.ts';
import { verifyTree } from '../../../src-main/artifacts/verify-tree.ts';
import { noise, type TreeNode, temporaryFolder } from '../../support/artifact-trees.ts';
import { applyTo, deltaBetween, type PackedVersion, packNodes } from '../../support/delta-fixtures.ts';

const file = (content: string | Uint8Array, executable = false): TreeNode => ({ kind: 'file', content, executable });
type Nodes = Readonly<Record<string, TreeNode>>;

async function versions(one: Nodes, two: Nodes) {
  const folder = await temporaryFolder();
  const base = await packNodes(path.join(folder, 'one'), one);
  const target = await packNodes(path.join(folder, 'two'), two);
  return { folder, base, target, outFile: path.join(folder, 'delta') };
}

/** Makes and applies the delta; returns its size in bytes. */
async function sizeBetween(one: Nodes, two: Nodes): Promise<number> {
  const { base, target, outFile, folder } = await versions(one, two);
  const made = await deltaBetween(base, target, outFile);
  const { entries, fileList } = await applyTo(base, target.artifactId, outFile);
  expect(Buffer.compare(fileList, target.packed.fileList)).toBe(0);
  await verifyTree(path.join(folder, 'applied'), entries);
  return made?.sizeBytes ?? Number.NaN;
}

/** 4 MiB with `edit` at the middle, some bytes longer than what it replaces. */
function edited(bytes: Uint8Array, edit: string): Uint8Array {
  const middle = bytes.length >>> 1;
  return Buffer.concat([bytes.subarray(0, middle), Buffer.from(edit), bytes.subarray(middle + 3)]);
}
const large = noise(4 * 1024 * 1024);

describe('a delta', () => {
  test('leads from any tree to any other', async () => {
    const blob = (seed: number, kibibytes: number) => noise(kibibytes * 1024 + seed, seed);
    const content = fc.oneof(
      fc.constantFrom('', 'same', 'other', '#!/bin/sh\n'),
      fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom(1, 40, 200)).map(([seed, size]) => blob(seed, size)),
      fc
        .tuple(fc.constantFrom(100, 300), fc.string({ maxLength: 9 }))
        .map(([size, edit]) => edited(blob(7, size), edit)),
      fc.constant(Buffer.concat([blob(1, 200), blob(2, 40), blob(1, 200)])),
    );
    const node: fc.Arbitrary<TreeNode> = fc.oneof(
      { weight: 6, arbitrary: fc.tuple(content, fc.boolean()).map(([bytes, executable]) => file(bytes, executable)) },
      {
        weight: 1,
        arbitrary: fc.constantFrom<TreeNode>({ kind: 'link', target: 'x' }, { kind: 'link', target: 'y/z' }),
      },
      { weight: 1, arbitrary: fc.constant<TreeNode>({ kind: 'directory' }) },
    );
    const name = fc.constantFrom('a', 'b', 'é', 'dir/one', 'dir/two', 'dir/deep/three', '日本/🚀', 'e'.repeat(150));
    const nodes = fc.dictionary(name, node, { maxKeys: 7 }).map(generated => ({ ...generated, always: file('there') }));
    await fc.assert(
      fc.asyncProperty(nodes, nodes, async (one, two) => {
        await sizeBetween(one, two);
      }),
      { numRuns: 15 },
    );
  });

  test('costs what changed, wherever it has moved to', async () => {
    const filler = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`lib/${index}`, file(noise(3_000, index + 1))]),
    );
    const moved = Object.fromEntries(
      Object.entries(filler).map(([name, node]) => [name.replace('lib', 'moved'), node]),
    );
    const bytes = {
      same: await sizeBetween({ ...filler, a: file('a') }, { ...filler, a: file('b') }),
      moved: await sizeBetween(filler, moved),
      edited: await sizeBetween({ large: file(large) }, { 'other/name': file(edited(large, 'inserted here')) }),
      mode: await sizeBetween({ large: file(large) }, { large: file(large, true) }),
    };
    expect(bytes.same).toBeLessThan(500);
    expect(bytes.moved).toBeLessThan(4_000);
    expect(bytes.edited).toBeLessThan(3 * 64 * 1024);
    expect(bytes.mode).toBeLessThan(400);
  });

  test('is the same bytes each time, also with signatures from a file, which spare reading the base', async () => {
    const { folder, base, target, outFile } = await versions(
      { large: file(large), small: file('a') },
      { large: file(edited(large, 'x')), small: file('b') },
    );
    const first = await deltaBetween(base, target, outFile);
    const signatureFile = path.join(folder, 'chunks');
    await writeSignature(signatureFile, first?.signatures?.base ?? new Map());
    const baseSignature = await readSignature(signatureFile);
    expect(baseSignature?.size).toBe(1);
    const second = await deltaBetween(base, target, `${outFile}2`, { baseSignature, threads: 2 });
    expect(second?.digest).toBe(first?.digest);
    await writeFile(signatureFile, (await readFile(signatureFile)).subarray(0, -1));
    expect(await readSignature(signatureFile)).toBeNull();
  });

  test('is given up where it is too large, and leaves nothing', async () => {
    const { base, target, outFile, folder } = await versions(
      { a: file(noise(9_000, 1)) },
      { a: file(noise(9_000, 2)) },
    );
    expect(await deltaBetween(base, target, outFile, { maximumBytes: 6_000 })).toBeNull();
    expect((await readdir(folder)).sort()).toEqual(['one', 'one.pack', 'two', 'two.pack']);
  });

  test('is not made of a full pack that was damaged', async () => {
    const { base, target, outFile } = await versions({ a: file(noise(9_000, 1)) }, { a: file(noise(9_000, 2)) });
    const bytes = await readFile(target.packFile);
    bytes[5_000] = (bytes[5_000] ?? 0) ^ 1;
    await writeFile(target.packFile, bytes);
    await expect(deltaBetween(base, target, outFile)).rejects.toMatchObject({ code: 'artifact.malformed' });
  });
});

describe('applying a delta', () => {
  const one = { kept: file(noise(50_000, 5)), large: file(large), gone: file('gone') };
  const two = { kept: file(noise(50_000, 5)), large: file(edited(large, 'new')), added: file('added') };

  test.each([
    ['other content in a file that is kept', 'kept', noise(50_000, 6)],
    ['a file that is cut short', 'kept', noise(40_000, 5)],
    ['other content in a file that is copied from', 'large', noise(large.length, 3)],
  ])('refuses a base with %s, and leaves nothing', async (_what, name, content) => {
    const { folder, base, target, outFile } = await versions(one, two);
    await deltaBetween(base, target, outFile);
    await writeFile(path.join(base.folder, name), content);
    await expect(applyTo(base, target.artifactId, outFile)).rejects.toMatchObject({ code: 'artifact.digest_mismatch' });
    await rm(path.join(base.folder, name));
    await expect(applyTo(base, target.artifactId, outFile)).rejects.toMatchObject({ code: 'artifact.digest_mismatch' });
    expect(await readdir(folder)).not.toContain('applied');
  });

  test('changes nothing in the base, and shares nothing with it', async () => {
    const { folder, base, target, outFile } = await versions(one, two);
    await deltaBetween(base, target, outFile);
    await applyTo(base, target.artifactId, outFile);
    await writeFile(path.join(folder, 'applied/kept'), 'written by the program of the new release');
    await verifyTree(base.folder, base.entries);
  });

  test('links what is kept where it is told to, read-only, and refuses a base with other content there too', async () => {
    const kept = { kept: file(noise(50_000, 5)), run: file('#!/bin/sh\n', true), copied: file(noise(3_000_000, 9)) };
    const { folder, base, target, outFile } = await versions(
      { ...one, ...kept },
      { ...two, ...kept, run: file('#!/bin/sh\n') },
    );
    await deltaBetween(base, target, outFile);
    const applied = path.join(folder, 'linked');
    await applyTo(base, target.artifactId, outFile, applied, true);
    await verifyTree(applied, target.entries);
    await verifyTree(base.folder, base.entries);
    const look = (release: string, name: string) => stat(path.join(release, name));
    for (const name of ['kept', 'copied']) {
      expect((await look(applied, name)).ino, name).toBe((await look(base.folder, name)).ino);
      expect((await look(applied, name)).mode & 0o777, name).toBe(0o444);
    }
    // One mode cannot be two, and what is new is the release's own.
    expect((await look(applied, 'run')).ino).not.toBe((await look(base.folder, 'run')).ino);
    expect((await look(applied, 'large')).mode & 0o777).toBe(0o644);
    await chmod(path.join(base.folder, 'copied'), 0o644);
    await writeFile(path.join(base.folder, 'copied'), noise(3_000_000, 8));
    const again = applyTo(base, target.artifactId, outFile, path.join(folder, 'again'), true);
    await expect(again).rejects.toMatchObject({ code: 'artifact.digest_mismatch' });
    expect(await readdir(folder)).not.toContain('again');
  });

  test('leaves nothing when it is aborted, wherever that is', async () => {
    const { folder, base, target, outFile } = await versions(one, two);
    await deltaBetween(base, target, outFile);
    for (const after of [1, 3]) {
      const stopping = new AbortController();
      let calls = 0;
      const applying = applyDelta({
        packFile: outFile,
        base,
        artifactId: target.artifactId,
        targetDir: path.join(folder, 'applied'),
        signal: stopping.signal,
        onProgress: () => {
          calls += 1;
          if (calls === after) stopping.abort(new Error('stop'));
        },
      });
      await expect(applying).rejects.toThrow('stop');
      expect(await readdir(folder)).not.toContain('applied');
    }
  });

  test('refuses a delta of another base or to another artifact, and an existing folder', async () => {
    const { folder, base, target, outFile } = await versions(one, two);
    await deltaBetween(base, target, outFile);
    const refused = { code: 'artifact.malformed' };
    await expect(applyTo(target, target.artifactId, outFile)).rejects.toMatchObject(refused);
    await expect(applyTo(base, base.artifactId, outFile)).rejects.toMatchObject(refused);
    await expect(applyTo(base, target.artifactId, base.packFile)).rejects.toMatchObject(refused);
    await expect(applyTo(base, target.artifactId, outFile, base.folder)).rejects.toMatchObject({ code: 'conflict' });
    await verifyTree(base.folder, base.entries);
    expect(await readdir(folder)).not.toContain('applied');
  });
});

describe('a hostile delta', () => {
  /** A delta pack by hand: any change, any bodies. */
  async function refused(
    change: (base: PackedVersion, target: PackedVersion) => unknown,
    bodies: readonly Uint8Array[],
  ) {
    const { folder, base, target } = await versions({ a: file(noise(40_000, 1)) }, { a: file(noise(40_000, 2)) });
    const text = Buffer.from(JSON.stringify(change(base, target)));
    const preamble = Buffer.from('SLIPDLT1\0\0\0\0', 'latin1');
    preamble.writeUInt32LE(text.length, 8);
    const content = Buffer.concat([preamble, text, ...bodies]);
    const frame = zstdCompressSync(content, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
    const packFile = path.join(folder, 'hostile');
    const table = encodeSeekTable([{ compressedBytes: frame.length, contentBytes: content.length }]);
    await writeFile(packFile, Buffer.concat([frame, table]));
    const error: unknown = await applyTo(base, target.artifactId, packFile).catch((caught: unknown) => caught);
    expect(await readdir(folder)).not.toContain('applied');
    await verifyTree(base.folder, base.entries);
    return error;
  }
  const honest = (base: PackedVersion, target: PackedVersion) => ({
    baseArtifactId: base.artifactId,
    artifactId: target.artifactId,
    gone: [],
    entries: target.entries,
  });
  const copy = (from: number, offset: number, lengthBytes: number) =>
    encodeInstruction({ kind: 'copy', from, offset, lengthBytes });
  const literal = (lengthBytes: number) => encodeInstruction({ kind: 'literal', lengthBytes });

  test.each<[string, readonly Uint8Array[], string]>([
    ['copies from beyond the end', [copy(0, 1, 40_000)], 'artifact.malformed'],
    ['copies from a file that is not there', [copy(1, 0, 40_000)], 'artifact.malformed'],
    ['copies from far away', [copy(0, 2 ** 47, 40_000)], 'artifact.malformed'],
    ['makes more than the list names', [copy(0, 0, 20_000), copy(0, 0, 40_000)], 'artifact.malformed'],
    ['has a literal of a huge size', [literal(2 ** 31)], 'artifact.malformed'],
    ['has a literal that is not there', [literal(40_000), noise(10)], 'artifact.malformed'],
    ['makes nothing, for ever', [copy(0, 0, 0)], 'artifact.malformed'],
    ['is cut into single bytes', [copy(0, 0, 1), copy(0, 1, 1)], 'artifact.malformed'],
    ['ends before its files', [copy(0, 0, 20_000)], 'artifact.malformed'],
    ['has an unknown instruction', [Uint8Array.of(7, 0, 0, 0)], 'artifact.malformed'],
    ['holds much more than its files', [copy(0, 0, 40_000), noise(200_000)], 'artifact.malformed'],
    ['makes other content', [copy(0, 0, 40_000)], 'artifact.digest_mismatch'],
  ])('that %s is refused', async (_what, bodies, code) => {
    expect(await refused(honest, bodies)).toMatchObject({ code });
  });

  test.each<[string, (base: PackedVersion, target: PackedVersion) => unknown, string]>([
    ['is no change', () => ({}), 'artifact.malformed'],
    ['removes what is not there', (b, t) => ({ ...honest(b, t), gone: [[0, 9]] }), 'artifact.malformed'],
    ['leads to another list', (b, t) => ({ ...honest(b, t), entries: [] }), 'artifact.digest_mismatch'],
    [
      'leaves the folder',
      (b, t) => ({ ...honest(b, t), entries: [{ kind: 'same', path: '../a', executable: false, from: 0 }] }),
      'artifact.unsafe_path',
    ],
    [
      'takes from nothing',
      (b, t) => ({ ...honest(b, t), entries: [{ kind: 'same', path: 'b', executable: false, from: 5 }] }),
      'artifact.malformed',
    ],
  ])('whose list %s is refused', async (_what, change, code) => {
    expect(await refused(change, [])).toMatchObject({ code });
  });
});
