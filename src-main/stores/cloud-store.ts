/** Owns what the stores of all cloud providers do alike around their requests: keys, ranges, documents, preconditions. */
import type { Readable } from 'node:stream';
import { DomainError } from '../contract/errors.ts';
import { splitKey, splitPrefix } from './blob-key.ts';
import type { BlobEntry, BlobHead, BlobSource, BlobStore, ByteRange, PutOptions } from './blob-store.ts';

/** A download under way. */
export interface Download {
  readonly stream: Readable;
  /** As the server tells it; null where it does not. */
  readonly sizeBytes: number | null;
  readonly version: string;
}

/** One provider's requests. Keys are sound, ranges may lie outside of the blob, and no signal was aborted before the call. */
export interface CloudProvider extends Pick<BlobStore, 'url' | 'check' | 'head' | 'delete' | 'signedUrl'> {
  /** Throws `store.not_found`, and `input.invalid` for a range that begins behind the end. */
  download(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Download>;
  put(key: string, source: BlobSource, options: PutOptions): Promise<BlobHead>;
  copyFrom(from: BlobStore, key: string, options: PutOptions): Promise<BlobHead | null>;
  /** Also of what is not ours: names that are no keys are left out here. */
  list(prefix: string): AsyncIterable<BlobEntry>;
}

/** Others may put objects into a bucket, and no key can name some of them. */
function isKey(name: string): boolean {
  try {
    splitKey(name);
    return true;
  } catch {
    return false;
  }
}

export function rangeOutside(key: string, { start, end }: ByteRange): DomainError {
  return new DomainError('input.invalid', `Bytes ${start}-${end} lie outside ${key}.`, { key });
}

function documentTooLarge(key: string, url: string, maxBytes: number): DomainError {
  return new DomainError(
    'store.malformed',
    `${key} in the store ${url} has more than the ${maxBytes} bytes that such a document may have. Publish it again.`,
    { key, maxBytes },
  );
}

/** Of a conditional write providers say that the key is not there, where a version of it was asked for. */
export function asPrecondition(error: unknown, key: string, ifVersion: string | null | undefined): unknown {
  const isMissing = error instanceof DomainError && error.code === 'store.not_found';
  if (!isMissing || ifVersion === undefined || ifVersion === null) return error;
  return new DomainError(
    'store.precondition_failed',
    `${key} was not written: it is not there. Read it again and decide on what it says now.`,
    { key },
    { cause: error },
  );
}

/** The port over one provider's requests. */
export function createCloudStore(provider: CloudProvider): BlobStore {
  const { url } = provider;
  return {
    url,
    check: provider.check,
    async head(key) {
      splitKey(key);
      return provider.head(key);
    },
    async get(key, { range, signal } = {}) {
      splitKey(key);
      signal?.throwIfAborted();
      if (range !== undefined) {
        const { start, end } = range;
        const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start;
        if (!isRange) throw rangeOutside(key, range);
      }
      return (await provider.download(key, range, signal)).stream;
    },
    async read(key, maxBytes) {
      splitKey(key);
      try {
        const { stream, sizeBytes, version } = await provider.download(key);
        const chunks: Buffer[] = [];
        let readBytes = 0;
        if ((sizeBytes ?? 0) > maxBytes) stream.destroy(documentTooLarge(key, url, maxBytes));
        for await (const chunk of stream) {
          readBytes += chunk.length;
          // Leaving the loop destroys the stream.
          if (readBytes > maxBytes) throw documentTooLarge(key, url, maxBytes);
          chunks.push(chunk);
        }
        return { bytes: Buffer.concat(chunks), version };
      } catch (error) {
        if (error instanceof DomainError && error.code === 'store.not_found') return null;
        throw error;
      }
    },
    async put(key, source, options = {}) {
      splitKey(key);
      options.signal?.throwIfAborted();
      try {
        return await provider.put(key, source, options);
      } catch (error) {
        throw asPrecondition(error, key, options.ifVersion);
      }
    },
    async copyFrom(from, key, options = {}) {
      splitKey(key);
      options.signal?.throwIfAborted();
      return provider.copyFrom(from, key, options);
    },
    async *list(prefix) {
      splitPrefix(prefix);
      for await (const entry of provider.list(prefix)) if (isKey(entry.key)) yield entry;
    },
    async delete(key) {
      splitKey(key);
      await provider.delete(key);
    },
    async signedUrl(key, lifetimeMs) {
      splitKey(key);
      return provider.signedUrl(key, lifetimeMs);
    },
    localPath(key) {
      splitKey(key);
      return null;
    },
  };
}
