/** Owns stores for tests of reading: a real store in a folder, and the same store made to fail at a byte. */
import { mkdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { DomainError } from '../../src-main/contract/errors.ts';
import type { BlobStore } from '../../src-main/stores/blob-store.ts';
import { createFilesystemStore } from '../../src-main/stores/filesystem-store.ts';

/** A store in a new folder. */
export async function createFolderStore(path: string): Promise<BlobStore> {
  await mkdir(path, { recursive: true });
  return createFilesystemStore(path);
}

/** What `store` is, but each stream of it breaks after `bytes` bytes. A store that fails so cannot be had on a disk at will. */
export function breakingAfter(store: BlobStore, bytes: number): BlobStore & { readonly reads: () => number } {
  let reads = 0;
  return {
    ...boundTo(store),
    reads: () => reads,
    get: async (key, options) => {
      reads += 1;
      const source = await store.get(key, options);
      const broken = async function* (): AsyncGenerator<Buffer> {
        let left = bytes;
        for await (const chunk of source) {
          const part = Buffer.from(chunk).subarray(0, left);
          left -= part.byteLength;
          if (part.byteLength > 0) yield part;
          if (left === 0) throw new DomainError('store.unreachable', 'The store broke off.');
        }
      };
      return Readable.from(broken(), { objectMode: false });
    },
  };
}

/** What stands between a store and whoever uses it: nothing, a refusal, or a wait. */
export type Fault = (() => void | Promise<void>) | null;

/**
 * What `store` is, but each call that reaches it meets `fault` first, as it is at that moment. A store that fails so cannot be had on a
 * disk at will.
 */
export function faulty(store: BlobStore, fault: () => Fault): BlobStore {
  const met = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    await fault()?.();
    return work();
  };
  const bound = boundTo(store);
  return {
    ...bound,
    check: () => met(bound.check),
    head: key => met(() => bound.head(key)),
    get: (key, options) => met(() => bound.get(key, options)),
    read: (key, maxBytes) => met(() => bound.read(key, maxBytes)),
    put: (key, source, options) => met(() => bound.put(key, source, options)),
    delete: key => met(() => bound.delete(key)),
    async *list(prefix) {
      await fault()?.();
      yield* bound.list(prefix);
    },
  };
}

function boundTo(store: BlobStore): BlobStore {
  return {
    url: store.url,
    check: () => store.check(),
    head: key => store.head(key),
    get: (key, options) => store.get(key, options),
    read: (key, maxBytes) => store.read(key, maxBytes),
    put: (key, source, options) => store.put(key, source, options),
    copyFrom: (from, key, options) => store.copyFrom(from, key, options),
    list: prefix => store.list(prefix),
    delete: key => store.delete(key),
    signedUrl: (key, lifetimeMs) => store.signedUrl(key, lifetimeMs),
    localPath: key => store.localPath(key),
  };
}
