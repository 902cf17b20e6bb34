import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { packTree } from '../../src-main/artifacts/pack-tree.ts';
import { verifyTree } from '../../src-main/artifacts/unpack.ts';
import { type Pack, storeKeys } from '../../src-main/contract/documents.ts';
import { createFilesystemStore } from '../../src-main/stores/filesystem-store.ts';
import { entriesIn, noise, temporaryFolder } from '../support/artifact-trees.ts';

const child = path.resolve(import.meta.dirname, '../support/pack-child.ts');
const mebibyte = 1024 * 1024;
/** With the one at the start and the one at the end there are more than twenty points at which a run is killed. */
const frames = 20;

/** Two files of several frames, and a frame of small ones between them. */
async function makeTree(root: string): Promise<void> {
  await mkdir(path.join(root, 'small'), { recursive: true });
  await writeFile(path.join(root, 'a.bin'), noise(40 * mebibyte));
  for (let index = 0; index < 200; index += 1) {
    await writeFile(path.join(root, `small/${index}`), noise(10_000, index + 1));
  }
  await writeFile(path.join(root, 'z.bin'), noise((frames - 11) * 4 * mebibyte, 9));
}

async function fixture() {
  const folder = await temporaryFolder();
  const root = path.join(folder, 'tree');
  await makeTree(root);
  const sound = path.join(folder, 'sound');
  const packed = await packTree({ root, include: ['.'], exclude: [], outFile: sound });
  const out = path.join(folder, 'out');
  await mkdir(out);
  return { folder, root, sound, packed, out };
}

/** A store that holds the pack and its list, and the words that the child is told of it. */
async function storeOf({ folder, sound, packed }: Awaited<ReturnType<typeof fixture>>) {
  const storeFolder = path.join(folder, 'store');
  await mkdir(storeFolder);
  const store = createFilesystemStore(storeFolder);
  const { artifactId, digest, sizeBytes } = packed;
  await store.put(storeKeys.fileList(artifactId), { kind: 'bytes', bytes: packed.fileList });
  await store.put(storeKeys.pack(digest), { kind: 'file', path: sound, sizeBytes });
  const pack: Pack = {
    ...{ digest, kind: 'full', artifactId, baseArtifactId: null, sizeBytes, infoHash: '0'.repeat(40) },
  };
  const packFile = path.join(folder, 'pack.json');
  await writeFile(packFile, JSON.stringify(pack));
  return { storeFolder, packFile };
}

/** Runs the child and kills it with SIGKILL when it has said `after` things; whether it was done before. */
function killedAfter(after: number, args: readonly string[]): Promise<'killed' | 'done'> {
  const running = spawn(process.execPath, [child, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void running.kill('SIGKILL'));
  let said = '';
  running.stdout.setEncoding('latin1').on('data', (text: string) => {
    said += text;
    if (said.length >= after) running.kill('SIGKILL');
  });
  return new Promise(resolve => running.once('close', () => resolve(said.endsWith('E') ? 'done' : 'killed')));
}

const points = Array.from({ length: frames + 2 }, (_, index) => index + 1);

describe('a process that is killed', () => {
  test('while it packs leaves nothing under the name of the pack, or all of it', async () => {
    const { root, packed, out } = await fixture();
    const outFile = path.join(out, 'pack');
    let killed = 0;
    for (const point of points) {
      if ((await killedAfter(point, ['pack', root, outFile])) === 'killed') killed += 1;
      if (existsSync(outFile)) {
        // Killed between the rename and the end.
        const again = await packTree({ root, include: ['.'], exclude: [], outFile: path.join(out, 'again') });
        expect(again.digest).toBe(packed.digest);
        await rm(outFile);
      }
      expect((await readdir(out)).filter(name => !name.endsWith('.tmp'))).toEqual([]);
    }
    expect(killed).toBeGreaterThanOrEqual(20);
    const next = await packTree({ root, include: ['.'], exclude: [], outFile });
    expect(next).toMatchObject({ digest: packed.digest, checksums: packed.checksums });
  });

  test('while it brings a release to a machine leaves none under its name, or all of it', async () => {
    const made = await fixture();
    const { storeFolder, packFile } = await storeOf(made);
    const { packed, out } = made;
    const args = ['install', storeFolder, out, packFile];
    const releases = path.join(out, 'releases');
    let killed = 0;
    for (const point of points) {
      if ((await killedAfter(point, args)) === 'killed') killed += 1;
      const names = existsSync(releases) ? await readdir(releases) : [];
      const visible = names.filter(name => !name.includes('.tmp-'));
      // Killed between the rename and the end, or done.
      for (const name of visible) {
        expect(name).toBe(packed.artifactId);
        await verifyTree(path.join(releases, name), entriesIn(packed));
      }
      for (const name of names) await rm(path.join(releases, name), { recursive: true });
    }
    expect(killed).toBeGreaterThanOrEqual(20);
    expect(await killedAfter(Number.POSITIVE_INFINITY, args)).toBe('done');
    await verifyTree(path.join(releases, packed.artifactId), entriesIn(packed));
  });
});
