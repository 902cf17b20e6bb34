/** Owns the part of the blob store suite about moving bytes: checksums, resuming, throttling, copies, URLs. Knows the port only. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlobSource, BlobStore } from '../../src-main/stores/blob-store.ts';
import { createFilesystemStore } from '../../src-main/stores/filesystem-store.ts';
import { bytesOf, entriesOf, type StoreUnderTest } from './store-conformance.ts';

/** More than two parts of any adapter, so that a cut in the middle leaves some behind it and some before it. */
const largeBytes = 24 * 1024 * 1024 + 17;

const digest = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex');
const text = (value: string) => ({ kind: 'bytes' as const, bytes: Buffer.from(value) });
/** Of the nine digits "123456789". Source: RFC 3720, B.4 and the catalogue of CRC algorithms, CRC-32/ISCSI. */
const digits = { bytes: text('123456789'), crc32c: 'e3069283' };

export function describeTransferConformance(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name}: the blob store port, moving bytes`, () => {
    let scratch: string;
    let made: StoreUnderTest;
    let store: BlobStore;

    beforeEach(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'slipway-transfer-'));
      made = await make();
      store = made.store;
    });
    afterEach(async () => {
      await made.dispose();
      await rm(scratch, { recursive: true, force: true });
    });

    async function fileOf(bytes: Uint8Array): Promise<BlobSource> {
      const path = join(scratch, 'source');
      await writeFile(path, bytes);
      return { kind: 'file', path, sizeBytes: bytes.length };
    }

    it('takes right checksums, says what the provider computed, and refuses bytes that others were promised for', async () => {
      const right = { crc32c: digits.crc32c, md5: digest('md5', digits.bytes.bytes) };
      const head = await store.put('right', digits.bytes, { checksums: right });
      for (const [algorithm, value] of Object.entries(head.checksums ?? {})) {
        expect(right, algorithm).toMatchObject({ [algorithm]: value });
      }
      expect(await store.head('right')).toEqual(head);

      const wrong = { crc32c: '00000001', md5: digest('md5', Buffer.from('others')) };
      for (const refused of made.refuses ?? []) {
        for (const source of [digits.bytes, await fileOf(randomBytes(largeBytes))]) {
          await expect(
            store.put('wrong', source, { checksums: { [refused]: wrong[refused] } }),
            `${refused} of ${source.kind}`,
          ).rejects.toMatchObject({ code: 'artifact.digest_mismatch' });
          expect(await store.head('wrong')).toBeNull();
        }
      }
    });

    it('waits for its turn before it sends, and asks for as much as it sends', async () => {
      const source = await fileOf(randomBytes(largeBytes));
      for (const [key, from] of Object.entries({ small: text('small'), large: source })) {
        const gate = Promise.withResolvers<void>();
        const asked = Promise.withResolvers<void>();
        let askedBytes = 0;
        const putting = store.put(key, from, {
          throttle: bytes => {
            askedBytes += bytes;
            asked.resolve();
            return gate.promise;
          },
        });
        await asked.promise;
        expect(await made.sibling.head(key)).toBeNull();
        gate.resolve();
        const head = await putting;
        expect(askedBytes).toBe(head.sizeBytes);
      }
    });

    it('lets a throttle end a put, and leaves nothing of it to see', async () => {
      const stop = new Error('the region was removed');
      const source = await fileOf(randomBytes(largeBytes));
      await expect(store.put('a', source, { throttle: () => Promise.reject(stop) })).rejects.toBe(stop);
      expect(await entriesOf(store.list(''))).toEqual([]);
    });

    /** Puts `source` until a half was sent, and gives what was saved for going on. */
    async function cutInTheMiddle(key: string, source: BlobSource): Promise<string | null> {
      const cut = new AbortController();
      let sentBytes = 0;
      let state: string | null = null;
      const putting = store.put(key, source, {
        resume: {
          state: null,
          save: async words => {
            state = words;
          },
        },
        throttle: async bytes => {
          if (sentBytes > largeBytes / 2) cut.abort();
          sentBytes += bytes;
        },
        signal: cut.signal,
      });
      await expect(putting).rejects.toMatchObject({ name: 'AbortError' });
      expect(await made.sibling.head(key)).toBeNull();
      return state;
    }

    it('goes on where an aborted put stopped, also from another client', async () => {
      if (!made.resumes) return;
      const bytes = randomBytes(largeBytes);
      const source = await fileOf(bytes);
      const state = await cutInTheMiddle('packs/a', source);
      expect(state).not.toBeNull();
      const before = await made.receivedBytes?.();
      let askedBytes = 0;
      const progress: number[] = [];
      const head = await made.sibling.put('packs/a', source, {
        sha256: digest('sha256', bytes),
        resume: { state, save: async () => undefined },
        throttle: async part => {
          askedBytes += part;
        },
        onProgress: done => progress.push(done),
      });
      expect(head.sizeBytes).toBe(largeBytes);
      expect(askedBytes).toBeGreaterThan(0);
      expect(askedBytes).toBeLessThan(largeBytes * 0.9);
      expect(progress[0]).toBeGreaterThan(0);
      expect(progress.at(-1)).toBe(largeBytes);
      if (before !== undefined) expect(await made.receivedBytes?.()).toBe(before + askedBytes);
      expect(digest('sha256', await bytesOf(await store.get('packs/a')))).toBe(digest('sha256', bytes));
    });

    it('begins anew when the source is another one than the upload was begun with', async () => {
      if (!made.resumes) return;
      const state = await cutInTheMiddle('packs/a', await fileOf(randomBytes(largeBytes)));
      const bytes = randomBytes(largeBytes);
      const source = await fileOf(bytes);
      const put = (from: string | null) =>
        made.sibling.put('packs/a', source, {
          sha256: digest('sha256', bytes),
          resume: { state: from, save: async () => undefined },
        });
      // Found at once, or by the digest at the end; the next try is then one from the start.
      await put(state).catch(async error => {
        expect(error).toMatchObject({ code: 'artifact.digest_mismatch' });
        expect(await store.head('packs/a')).toBeNull();
        await put(null);
      });
      expect(digest('sha256', await bytesOf(await store.get('packs/a')))).toBe(digest('sha256', bytes));
    });

    it('begins anew with words on an upload that it cannot use', async () => {
      const bytes = randomBytes(largeBytes);
      const source = await fileOf(bytes);
      for (const state of ['', '{}', 'not of this store', JSON.stringify({ uri: 'http://127.0.0.1:1/', key: 'b' })]) {
        await store.put('b', source, {
          sha256: digest('sha256', bytes),
          resume: { state, save: async () => undefined },
        });
      }
      expect((await store.head('b'))?.sizeBytes).toBe(largeBytes);
    });

    it('copies inside of the provider, or says that it cannot', async () => {
      await mkdir(join(scratch, 'folder'));
      const folder = createFilesystemStore(join(scratch, 'folder'));
      await folder.put('a', text('a'));
      expect(await store.copyFrom(folder, 'a')).toBeNull();
      const { other } = made;
      if (other === undefined) {
        await made.sibling.put('a', text('a'));
        expect(await store.copyFrom(made.sibling, 'a')).toBeNull();
        return;
      }
      const bytes = randomBytes(3 * 1024 * 1024);
      await other.put('packs/a', { kind: 'bytes', bytes });
      const before = await made.receivedBytes?.();
      const progress: number[] = [];
      const head = await store.copyFrom(other, 'packs/a', { ifVersion: null, onProgress: done => progress.push(done) });
      expect(head).toMatchObject({ sizeBytes: bytes.length });
      expect(await store.head('packs/a')).toEqual(head);
      expect(progress.at(-1)).toBe(bytes.length);
      expect(await made.receivedBytes?.()).toBe(before);
      expect(digest('sha256', await bytesOf(await store.get('packs/a')))).toBe(digest('sha256', bytes));
      await expect(store.copyFrom(other, 'packs/a', { ifVersion: null })).rejects.toMatchObject({
        code: 'store.precondition_failed',
      });
      await expect(store.copyFrom(other, 'no/such')).rejects.toMatchObject({ code: 'store.not_found' });
    });

    it('signs a URL that anybody can read for a while, or has none', async () => {
      await store.put('packs/a', text('for whoever has the URL'));
      const url = await store.signedUrl('packs/a', 60_000);
      if (!made.signs) {
        expect(url).toBeNull();
        return;
      }
      const response = await fetch(url ?? '');
      expect(response.status).toBe(200);
      expect(await response.text()).toBe('for whoever has the URL');
      const other = (url ?? '').replace('packs/a', 'packs/b');
      expect((await fetch(other)).status).toBeGreaterThanOrEqual(400);
    });

    it('lists more keys than a page holds, each once and in order', async () => {
      if (made.seed === undefined) return;
      const keys = Array.from({ length: 2_501 }, (_, index) => `m/${String(index).padStart(5, '0')}.json`);
      await made.seed([...keys, 'n/last']);
      expect((await entriesOf(store.list('m/'))).map(entry => entry.key)).toEqual(keys);
    });
  });
}
