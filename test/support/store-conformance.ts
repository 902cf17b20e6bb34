/** Owns the suite that every blob store adapter must pass. Knows the port only. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlobChecksums, BlobEntry, BlobStore } from '../../src-main/stores/blob-store.ts';
import { describeTransferConformance } from './transfer-conformance.ts';

export interface StoreUnderTest {
  readonly store: BlobStore;
  /** A second client of the same store, as another process would have. */
  readonly sibling: BlobStore;
  /** Which checksums, given with a put, keep other bytes out; none where left out. */
  readonly refuses?: readonly (keyof BlobChecksums)[];
  /** Whether an upload that was cut goes on where it stopped. */
  readonly resumes?: boolean;
  /**
   * Bytes of blobs that the server has received, told when no request is under way any more. Where it counts them, the suite holds
   * it against what was asked to be sent.
   */
  readonly receivedBytes?: () => Promise<number>;
  /** Another bucket of the provider, open to the same credentials; left out where nothing is copied inside of the store. */
  readonly other?: BlobStore;
  /** Whether its URLs can be signed. */
  readonly signs?: boolean;
  /** Puts empty blobs into the store without the port, where a listing comes in pages that are worth filling. */
  readonly seed?: (keys: readonly string[]) => Promise<void>;
  dispose(): Promise<void>;
}

export async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function entriesOf(list: AsyncIterable<BlobEntry>): Promise<BlobEntry[]> {
  const entries: BlobEntry[] = [];
  for await (const entry of list) entries.push(entry);
  return entries;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const text = (value: string) => ({ kind: 'bytes' as const, bytes: Buffer.from(value) });

export function describeStoreConformance(name: string, make: () => Promise<StoreUnderTest>): void {
  describeTransferConformance(name, make);
  describe(`${name}: the blob store port`, () => {
    let scratch: string;
    let made: StoreUnderTest;
    let store: BlobStore;

    beforeEach(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'slipway-conformance-'));
      made = await make();
      store = made.store;
    });
    afterEach(async () => {
      await made.dispose();
      await rm(scratch, { recursive: true, force: true });
    });

    it('passes its check, also twice', async () => {
      await store.check();
      await store.check();
      expect(await entriesOf(store.list(''))).toEqual([]);
    });

    it('gives back what was put, whole and in ranges', async () => {
      const head = await store.put('packs/a.bin', text('hello store'));
      expect(head.sizeBytes).toBe(11);
      expect(await store.head('packs/a.bin')).toEqual(head);
      expect((await bytesOf(await store.get('packs/a.bin'))).toString()).toBe('hello store');
      expect((await bytesOf(await store.get('packs/a.bin', { range: { start: 6, end: 8 } }))).toString()).toBe('sto');
      expect((await bytesOf(await store.get('packs/a.bin', { range: { start: 6, end: 999 } }))).toString()).toBe(
        'store',
      );
      const read = await store.read('packs/a.bin', 100);
      expect(Buffer.from(read?.bytes ?? []).toString()).toBe('hello store');
      expect(read?.version).toBe(head.version);
    });

    it('stores an empty blob', async () => {
      await store.put('empty', text(''), { sha256: sha256(Buffer.alloc(0)) });
      expect((await bytesOf(await store.get('empty'))).length).toBe(0);
      expect((await store.read('empty', 0))?.bytes.length).toBe(0);
    });

    it('refuses a range outside the blob', async () => {
      await store.put('a', text('abc'));
      await expect(store.get('a', { range: { start: 3, end: 5 } })).rejects.toMatchObject({ code: 'input.invalid' });
    });

    it('puts a file of several chunks with its digest and progress', async () => {
      const bytes = Buffer.alloc(5 * 1024 * 1024 + 17, 'slipway');
      const path = join(scratch, 'big');
      await writeFile(path, bytes);
      const progress: number[] = [];
      await store.put(
        'packs/big',
        { kind: 'file', path, sizeBytes: bytes.length },
        { sha256: sha256(bytes), onProgress: done => progress.push(done) },
      );
      expect(sha256(await bytesOf(await store.get('packs/big')))).toBe(sha256(bytes));
      expect(progress.at(-1)).toBe(bytes.length);
      expect(progress).toEqual([...progress].sort((a, b) => a - b));
    });

    it('refuses a wrong digest or size and leaves the old blob', async () => {
      await store.put('a', text('old'));
      const path = join(scratch, 'file');
      await writeFile(path, 'new');
      const wrong = { code: 'artifact.digest_mismatch' };
      await expect(store.put('a', text('new'), { sha256: sha256(Buffer.from('x')) })).rejects.toMatchObject(wrong);
      await expect(
        store.put('a', { kind: 'file', path, sizeBytes: 3 }, { sha256: sha256(Buffer.from('x')) }),
      ).rejects.toMatchObject(wrong);
      await expect(store.put('a', { kind: 'file', path, sizeBytes: 4 })).rejects.toMatchObject(wrong);
      expect((await bytesOf(await store.get('a'))).toString()).toBe('old');
      expect((await entriesOf(store.list(''))).map(entry => entry.key)).toEqual(['a']);
    });

    it('answers null for what is not there, and deletes it without error', async () => {
      expect(await store.head('no/such')).toBeNull();
      expect(await store.read('no/such', 10)).toBeNull();
      await expect(store.get('no/such')).rejects.toMatchObject({ code: 'store.not_found' });
      await store.delete('no/such');
      await store.put('yes/such', text('x'));
      await store.delete('yes/such');
      expect(await store.head('yes/such')).toBeNull();
    });

    it('refuses to read a document larger than allowed', async () => {
      await store.put('doc', text('12345'));
      await expect(store.read('doc', 4)).rejects.toMatchObject({ code: 'store.malformed' });
    });

    it('creates only where nothing is, and replaces only the version that was read', async () => {
      const failed = { code: 'store.precondition_failed' };
      await expect(store.put('p', text('0'), { ifVersion: 'none' })).rejects.toMatchObject(failed);
      const first = await store.put('p', text('1'), { ifVersion: null });
      await expect(store.put('p', text('x'), { ifVersion: null })).rejects.toMatchObject(failed);
      const second = await made.sibling.put('p', text('2'), { ifVersion: first.version });
      expect(second.version).not.toBe(first.version);
      await expect(store.put('p', text('x'), { ifVersion: first.version })).rejects.toMatchObject(failed);
      expect(Buffer.from((await store.read('p', 10))?.bytes ?? []).toString()).toBe('2');
    });

    it('lets exactly one of many writers create, and one of many replace', async () => {
      const race = async (ifVersion: string | null) => {
        const results = await Promise.allSettled(
          Array.from({ length: 12 }, (_, index) =>
            // Each race in words of its own: where a version is made of the content, the same bytes have the same one.
            (index % 2 === 0 ? store : made.sibling).put('serial', text(`${ifVersion} ${index}`), { ifVersion }),
          ),
        );
        return results.filter(result => result.status === 'fulfilled').length;
      };
      expect(await race(null)).toBe(1);
      const version = (await store.head('serial'))?.version ?? '';
      expect(await race(version)).toBe(1);
    });

    it('loses no update when many writers read, change and replace one document', async () => {
      await store.put('counter', text('0'));
      const increment = async (client: BlobStore) => {
        for (;;) {
          const current = await client.read('counter', 100);
          if (current === null) throw new Error('the counter vanished');
          const next = text(String(Number(Buffer.from(current.bytes).toString()) + 1));
          try {
            await client.put('counter', next, { ifVersion: current.version });
            return;
          } catch (error) {
            expect(error).toMatchObject({ code: 'store.precondition_failed' });
          }
        }
      };
      await Promise.all(Array.from({ length: 10 }, (_, index) => increment(index % 2 === 0 ? store : made.sibling)));
      expect(Buffer.from((await store.read('counter', 100))?.bytes ?? []).toString()).toBe('10');
    });

    it('lists by prefix in the order of the keys', async () => {
      for (const key of ['m/b/1.json', 'm/a.json', 'm/a/2.json', 'm/a/1.json', 'n', 'm-x'])
        await store.put(key, text(key));
      const keys = async (prefix: string) => (await entriesOf(store.list(prefix))).map(entry => entry.key);
      expect(await keys('')).toEqual(['m-x', 'm/a.json', 'm/a/1.json', 'm/a/2.json', 'm/b/1.json', 'n']);
      expect(await keys('m/a/')).toEqual(['m/a/1.json', 'm/a/2.json']);
      expect(await keys('m/a')).toEqual(['m/a.json', 'm/a/1.json', 'm/a/2.json']);
      expect(await keys('nothing/')).toEqual([]);
      const entry = (await entriesOf(store.list('n')))[0];
      const { key: _key, checksums: _listed, ...listed } = entry ?? { key: '' };
      // A listing may know less of the content than a head does.
      const { checksums: _told, ...head } = (await store.head('n')) ?? { version: '' };
      expect(listed).toEqual(head);
    });

    it('leaves nothing when a put is aborted before or during it', async () => {
      const path = join(scratch, 'big');
      const bytes = Buffer.alloc(3 * 1024 * 1024);
      await writeFile(path, bytes);
      const controller = new AbortController();
      const putting = store.put(
        'packs/x',
        { kind: 'file', path, sizeBytes: bytes.length },
        { signal: controller.signal },
      );
      controller.abort();
      await expect(putting).rejects.toMatchObject({ name: 'AbortError' });
      await expect(store.put('y', text('y'), { signal: AbortSignal.abort() })).rejects.toMatchObject({
        name: 'AbortError',
      });
      expect(await entriesOf(store.list(''))).toEqual([]);
    });

    it('ends a read that is aborted or destroyed', async () => {
      await store.put('big', { kind: 'bytes', bytes: Buffer.alloc(2 * 1024 * 1024) });
      const controller = new AbortController();
      const stream = await store.get('big', { signal: controller.signal });
      controller.abort();
      await expect(bytesOf(stream)).rejects.toMatchObject({ name: 'AbortError' });
      (await store.get('big')).destroy();
    });

    it('refuses keys that could leave the store or mean two things', async () => {
      const hostile = [
        '',
        '/',
        '../x',
        'a/../x',
        'a//b',
        '/etc/passwd',
        'a/',
        '.tmp/x',
        'a/.b',
        'a\\b',
        'a\0b',
        'ü',
        'con',
        'a b',
        '-x',
        'x.',
        'a'.repeat(600),
      ];
      for (const key of hostile) {
        const refused = { code: 'input.invalid' };
        await expect(store.put(key, text('x')), key).rejects.toMatchObject(refused);
        await expect(store.read(key, 1), key).rejects.toMatchObject(refused);
        await expect(store.head(key), key).rejects.toMatchObject(refused);
        await expect(store.get(key), key).rejects.toMatchObject(refused);
        await expect(store.delete(key), key).rejects.toMatchObject(refused);
        expect(() => store.localPath(key), key).toThrow();
      }
      expect(await entriesOf(store.list(''))).toEqual([]);
    });
  });
}
