/** Owns what stands for a store that could not be opened: every call says why, and the stores beside it go on. */
import type { BlobStore } from './blob-store.ts';

/** A store whose every call fails with `error`. */
export function createClosedStore(url: string, error: unknown): BlobStore {
  const refuse = () => Promise.reject(error);
  return {
    url,
    check: refuse,
    head: refuse,
    get: refuse,
    read: refuse,
    put: refuse,
    copyFrom: refuse,
    list() {
      throw error;
    },
    delete: refuse,
    signedUrl: refuse,
    localPath: () => null,
  };
}
