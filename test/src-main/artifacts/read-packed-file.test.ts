import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { beforeAll, expect, it } from 'vitest';
import { readPackedFile } from '../../../src-main/artifacts/read-packed-file.ts';
import { findArtifactId, findStoredPack, readStoredList } from '../../../src-main/releases/stored-artifact.ts';
import type { BlobStore } from '../../../src-main/stores/blob-store.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { createSignedStore } from '../../support/signed-store.ts';

const onEnd = endsWithFile();
const signal = new AbortController().signal;
// More than two frames of 4 MiB, which do not compress.
const big = randomBytes(10_000_000);
const long = `${'deep/'.repeat(30)}Ünïcode.txt`;
let world: Awaited<ReturnType<typeof createSignedStore>>;

beforeAll(async () => {
  world = await createSignedStore(onEnd, {
    'a.txt': 'first\n',
    'big.bin': big,
    empty: '',
    [long]: 'long\n',
    'z.txt': 'last\n',
  });
});

async function read(path: string, store: BlobStore = world.store, entries = world.entries): Promise<Buffer> {
  const file = entries.find(entry => entry.path === path);
  if (file?.kind !== 'file') throw new Error(`${path} is no file`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of readPackedFile({ store, packKey: world.keys.pack, entries, signal }, file))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

it('gives each file as it was packed, also empty, long-named and over several frames', async () => {
  expect((await read('a.txt')).toString()).toBe('first\n');
  expect((await read('z.txt')).toString()).toBe('last\n');
  expect((await read(long)).toString()).toBe('long\n');
  expect(await read('empty')).toHaveLength(0);
  expect((await read('big.bin')).equals(big)).toBe(true);
});

it('reads the frames of the file, and not the rest of the pack', async () => {
  let bytesRead = 0;
  const counted: BlobStore = {
    ...world.store,
    get: async (key, options) => {
      const { start = 0, end = 0 } = options?.range ?? {};
      bytesRead += end - start + 1;
      return world.store.get(key, options);
    },
  };
  await read('a.txt', counted);
  expect(bytesRead).toBeLessThan(world.pack.sizeBytes / 2);
});

it('refuses a file whose content, place or frame is not what the list says', async () => {
  const other = world.entries.map(entry =>
    entry.kind === 'file' && entry.path === 'a.txt' ? { ...entry, sha256: '0'.repeat(64) } : entry,
  );
  await expect(read('a.txt', world.store, other)).rejects.toMatchObject({ code: 'artifact.digest_mismatch' });
  const shifted = world.entries.filter(entry => entry.path !== 'a.txt');
  await expect(read('big.bin', world.store, shifted)).rejects.toMatchObject({ code: 'artifact.malformed' });
  const path = world.pathOf(world.keys.pack);
  const before = await readFile(path);
  try {
    for (const change of [
      before.subarray(0, before.length - 1),
      Buffer.concat([Buffer.alloc(4), before.subarray(4)]),
      Buffer.alloc(3),
    ]) {
      await writeFile(path, change);
      await expect(read('a.txt')).rejects.toMatchObject({ code: 'artifact.malformed' });
    }
  } finally {
    await writeFile(path, before);
  }
});

it('finds an artifact by the beginning of its id, and its pack by its record', async () => {
  const { artifactId } = world.facts;
  expect(await findArtifactId(world.store, artifactId.slice(0, 8))).toBe(artifactId);
  expect(await findStoredPack(world.store, artifactId)).toEqual(world.pack);
  expect(await readStoredList(world.store, artifactId)).toEqual(world.entries);
  await expect(findArtifactId(world.store, 'abc')).rejects.toMatchObject({ code: 'input.invalid' });
  await expect(findArtifactId(world.store, '../../trust')).rejects.toMatchObject({ code: 'input.invalid' });
  const none = createHash('sha256').update('none').digest('hex');
  await expect(findArtifactId(world.store, none)).rejects.toMatchObject({ code: 'not_found' });
  await expect(findStoredPack(world.store, none)).rejects.toMatchObject({ code: 'not_found' });
});
