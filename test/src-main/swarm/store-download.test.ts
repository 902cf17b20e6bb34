/** Checks the plain download from stores: whole, resumed, and over a store that fails. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import type { BlobStore } from '../../../src-main/stores/blob-store.ts';
import { downloadFromStores } from '../../../src-main/swarm/store-download.ts';
import { breakingAfter, createFolderStore } from '../../support/blob-stores.ts';
import { createPack, sha256OfFile, type TestPack } from '../../support/swarm-fixtures.ts';

const sizeBytes = 1_000_000;
let folder: string;
let pack: TestPack;
let key: string;
let outFile: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-fetch-'));
  pack = createPack(sizeBytes);
  key = storeKeys.pack(pack.digest);
  outFile = join(folder, pack.name);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function storeWithPack(name: string): Promise<BlobStore> {
  const store = await createFolderStore(join(folder, name));
  await store.put(key, { kind: 'bytes', bytes: pack.bytes });
  return store;
}

it('fetches a pack and tells how far it is', async () => {
  const progress: number[] = [];
  const stores = [await storeWithPack('a')];
  const result = await downloadFromStores({ stores, key, sizeBytes, outFile, onProgress: done => progress.push(done) });
  expect(result).toEqual({ bytes: sizeBytes });
  expect(await sha256OfFile(outFile)).toBe(pack.digest);
  expect(progress.at(-1)).toBe(sizeBytes);
  await expect(stat(`${outFile}.part`)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('goes on where it stopped, and trusts nothing that another download left', async () => {
  const store = await storeWithPack('a');
  await writeFile(outFile, Buffer.alloc(sizeBytes));
  await expect(
    downloadFromStores({ stores: [breakingAfter(store, 0)], key, sizeBytes, outFile }),
  ).rejects.toMatchObject({ code: 'store.unreachable' });
  await writeFile(`${outFile}.part`, pack.bytes.subarray(0, 400_000));
  expect(await downloadFromStores({ stores: [store], key, sizeBytes, outFile })).toEqual({ bytes: 600_000 });
  expect(await sha256OfFile(outFile)).toBe(pack.digest);
});

it('goes on in the next store where one fails, and comes back to the first', async () => {
  const first = breakingAfter(await storeWithPack('a'), 250_000);
  const second = breakingAfter(await storeWithPack('b'), 300_000);
  expect(await downloadFromStores({ stores: [first, second], key, sizeBytes, outFile })).toEqual({ bytes: sizeBytes });
  expect(await sha256OfFile(outFile)).toBe(pack.digest);
  expect([first.reads(), second.reads()]).toEqual([2, 2]);
});

it('says which error ended it when no store gives a byte, and keeps what it has', async () => {
  const missing = await createFolderStore(join(folder, 'empty'));
  await writeFile(`${outFile}.part`, pack.bytes.subarray(0, 10));
  await expect(downloadFromStores({ stores: [missing], key, sizeBytes, outFile })).rejects.toMatchObject({
    code: 'store.not_found',
  });
  await expect(downloadFromStores({ stores: [], key, sizeBytes, outFile })).rejects.toMatchObject({
    code: 'store.unreachable',
  });
  expect((await readFile(`${outFile}.part`)).byteLength).toBe(10);
});

it('ends with the reason when it is aborted', async () => {
  const abort = new AbortController();
  const stores = [await storeWithPack('a')];
  const download = downloadFromStores({
    stores,
    key,
    sizeBytes,
    outFile,
    signal: abort.signal,
    onProgress: () => abort.abort(new Error('superseded')),
  });
  await expect(download).rejects.toThrow('superseded');
});
