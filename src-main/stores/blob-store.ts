/** Owns the port of a blob store. Knows no provider: each adapter translates its library's errors to `store.*` codes. */
import type { Readable } from 'node:stream';

/** Lowercase hex, of the whole content. */
export interface BlobChecksums {
  /** Castagnoli's CRC-32 (RFC 3720), big-endian, 8 digits. */
  readonly crc32c?: string;
  readonly md5?: string;
}

export interface BlobHead {
  readonly sizeBytes: number;
  /**
   * Changes with every write of other bytes to the key: a GCS generation, an ETag, or the file system's equal. For preconditions.
   * S3 makes it of the content, so bytes that come back bring their version with them.
   */
  readonly version: string;
  readonly modifiedAtMs: number;
  /** What the provider itself computed when the content was written: proof of it without reading it. */
  readonly checksums?: BlobChecksums;
}

export interface BlobEntry extends BlobHead {
  readonly key: string;
}

export type BlobSource =
  | { readonly kind: 'file'; readonly path: string; readonly sizeBytes: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** Lets an upload go on at the byte where it stopped, also in another process. */
export interface UploadResume {
  /** What `save` was last given for this upload; null at the first try. An adapter ignores what it cannot use any more. */
  readonly state: string | null;
  /** Keeps the adapter's own words on where the upload stands; at most a few times a second. May hold a session URL: a secret. */
  readonly save: (state: string) => Promise<void>;
}

export interface PutOptions {
  /** Refuse with `store.precondition_failed` unless the key's version is this one; null means the key must not exist. */
  readonly ifVersion?: string | null;
  /**
   * Hex. What is written is read for its digest on the way, and refused if it differs: always, but where the provider itself
   * refuses all bytes that have not the CRC32C in `checksums`.
   */
  readonly sha256?: string;
  /** What is known of the content already: sent with it, so that the provider refuses other bytes. */
  readonly checksums?: BlobChecksums;
  /** Only for a source of kind `file`. */
  readonly resume?: UploadResume;
  /** Awaited before `bytes` more are sent: the region's bandwidth. */
  readonly throttle?: (bytes: number) => Promise<void>;
  /** Total bytes written so far; called at most a few times a second. */
  readonly onProgress?: (bytesDone: number) => void;
  readonly signal?: AbortSignal;
}

/** Inclusive byte range, as in RFC 9110 section 14. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * A place for blobs. Keys are `/`-separated and come from `storeKeys` in the contract.
 *
 * Errors: `store.unreachable`, `store.forbidden`, `store.full`, `store.not_found`, `store.precondition_failed`.
 * A reader never sees part of a blob: a put is visible whole or not at all.
 */
export interface BlobStore {
  /** As the person wrote it: `file:///srv/blobs`, `gs://bucket/prefix`, … */
  readonly url: string;
  /** Whether the store is there and can be written; throws what is wrong, with the remedy. */
  check(): Promise<void>;
  head(key: string): Promise<BlobHead | null>;
  /** A stream of the blob or of a range of it. Throws `store.not_found`. */
  get(key: string, options?: { readonly range?: ByteRange; readonly signal?: AbortSignal }): Promise<Readable>;
  /** A small document whole, with its version; null where there is none. Throws `store.malformed` above `maxBytes`. */
  read(key: string, maxBytes: number): Promise<{ readonly bytes: Uint8Array; readonly version: string } | null>;
  put(key: string, source: BlobSource, options?: PutOptions): Promise<BlobHead>;
  /** Copies inside one provider without the bytes passing through here; null where that cannot be done. */
  copyFrom(from: BlobStore, key: string, options?: PutOptions): Promise<BlobHead | null>;
  list(prefix: string): AsyncIterable<BlobEntry>;
  /** Deleting what is not there is no error. */
  delete(key: string): Promise<void>;
  /** A URL that gives the blob to whoever has it, for that long; null where the store has no such thing. */
  signedUrl(key: string, lifetimeMs: number): Promise<string | null>;
  /** A path on this machine that holds the blob now, for seeding without a second copy; null elsewhere. */
  localPath(key: string): string | null;
}
