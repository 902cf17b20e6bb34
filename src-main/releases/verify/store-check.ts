/** Owns what the checks of a store share: what was found wrong, what was counted, and the blobs that are read more than once. */
import { createHash } from 'node:crypto';
import type { Pack, Trust } from '../../contract/documents.ts';
import { storeKeys } from '../../contract/documents.ts';
import { DomainError, type ErrorCode } from '../../contract/errors.ts';
import type { BlobStore } from '../../stores/blob-store.ts';
import { type Metainfo, parseMetainfo } from '../../swarm/metainfo.ts';

/** A torrent is at most this large; see `swarm/metainfo.ts`. */
export const maxTorrentBytes = 8 * 1024 * 1024;

export interface StoreProblem {
  /** The blob that is wrong. */
  readonly key: string;
  readonly code: ErrorCode;
  readonly message: string;
}

export const checkedKinds = [
  'trust',
  'builds',
  'sboms',
  'fileLists',
  'pointers',
  'environments',
  'reports',
  'torrents',
  'packs',
] as const;
export type CheckedKind = (typeof checkedKinds)[number];

/** Ends a check after its first problem. */
export class FirstProblem extends Error {}

/** One run over a store. Not for two at once. */
export class StoreCheck {
  readonly store: BlobStore;
  readonly signal: AbortSignal;
  readonly checked: Record<CheckedKind, number> = {
    trust: 0,
    builds: 0,
    sboms: 0,
    fileLists: 0,
    pointers: 0,
    environments: 0,
    reports: 0,
    torrents: 0,
    packs: 0,
  };
  readonly problems: StoreProblem[] = [];
  bytesRead = 0;
  readonly #all: boolean;
  readonly #onProgress: (bytesRead: number, key: string) => void;
  readonly #torrents = new Map<string, Promise<{ readonly metainfo: Metainfo; readonly bytes: Uint8Array }>>();

  constructor(options: {
    readonly store: BlobStore;
    readonly all: boolean;
    readonly signal: AbortSignal;
    readonly onProgress?: (bytesRead: number, key: string) => void;
  }) {
    this.store = options.store;
    this.signal = options.signal;
    this.#all = options.all;
    this.#onProgress = options.onProgress ?? (() => undefined);
  }

  /** Runs one check of a blob; what it throws as a `DomainError` is a problem. Throws `FirstProblem` where one is enough. */
  async of<Result>(kind: CheckedKind, key: string, work: () => Promise<Result>): Promise<Result | null> {
    this.signal.throwIfAborted();
    try {
      const result = await work();
      this.checked[kind] += 1;
      return result;
    } catch (error) {
      // A store that does not answer is no finding about what lies in it.
      const ours = error instanceof DomainError && !['store.unreachable', 'store.forbidden'].includes(error.code);
      if (!ours) throw error;
      this.problems.push({ key, code: error.code, message: error.message });
      if (!this.#all) throw new FirstProblem(key);
      return null;
    }
  }

  /** A document whole. Throws `store.not_found`, `store.malformed` above `maxBytes`. */
  async read(key: string, maxBytes: number): Promise<Uint8Array> {
    const found = await this.store.read(key, maxBytes);
    if (found === null) {
      throw new DomainError(
        'store.not_found',
        `${key} is missing in the store. Replicate it again, or build the revision again.`,
        { key },
      );
    }
    this.#count(found.bytes.length, key);
    return found.bytes;
  }

  /** Reads a blob as a stream, each chunk once. Throws `store.not_found`. */
  async stream(key: string, onChunk: (chunk: Uint8Array) => void): Promise<number> {
    let sizeBytes = 0;
    for await (const chunk of await this.store.get(key, { signal: this.signal })) {
      const bytes: Uint8Array = chunk;
      sizeBytes += bytes.length;
      this.#count(bytes.length, key);
      onChunk(bytes);
    }
    return sizeBytes;
  }

  /** Throws `artifact.digest_mismatch` unless the blob has this SHA-256. */
  async assertDigest(key: string, digest: string): Promise<void> {
    const hash = createHash('sha256');
    await this.stream(key, chunk => hash.update(chunk));
    assertSame(key, hash.digest('hex'), digest);
  }

  /** The torrent of a pack, read once. Throws `store.not_found`, `artifact.malformed`, `artifact.digest_mismatch`. */
  torrentOf(digest: string): Promise<{ readonly metainfo: Metainfo; readonly bytes: Uint8Array }> {
    const known = this.#torrents.get(digest);
    if (known !== undefined) return known;
    const key = storeKeys.torrent(digest);
    const reading = this.read(key, maxTorrentBytes).then(bytes => {
      const metainfo = parseMetainfo(bytes, null);
      if (metainfo.name !== `${digest}.tar.zst`) {
        throw new DomainError('artifact.digest_mismatch', `${key} is the torrent of ${metainfo.name}, another pack.`, {
          key,
        });
      }
      return { metainfo, bytes };
    });
    this.#torrents.set(digest, reading);
    return reading;
  }

  /** That a pack which a signed document names is there, with the size and the torrent that it says. Its bytes are read elsewhere. */
  async assertPackIsThere(pack: Pack): Promise<void> {
    const key = storeKeys.pack(pack.digest);
    const head = await this.store.head(key);
    if (head === null) {
      throw new DomainError(
        'store.not_found',
        `${key}, which it names, is missing in the store. Replicate the pack again.`,
        { key },
      );
    }
    const { metainfo } = await this.torrentOf(pack.digest);
    if (
      head.sizeBytes !== pack.sizeBytes ||
      metainfo.sizeBytes !== pack.sizeBytes ||
      metainfo.infoHash !== pack.infoHash
    ) {
      throw new DomainError(
        'artifact.digest_mismatch',
        `${key} or its torrent is not what it names: ${head.sizeBytes} bytes and info hash ${metainfo.infoHash}, where ${pack.sizeBytes} bytes and ${pack.infoHash} belong.`,
        { key },
      );
    }
  }

  #count(sizeBytes: number, key: string): void {
    this.bytesRead += sizeBytes;
    this.#onProgress(this.bytesRead, key);
  }
}

/** Throws `artifact.digest_mismatch`. */
export function assertSame(key: string, actual: string, expected: string): void {
  if (actual === expected) return;
  throw new DomainError(
    'artifact.digest_mismatch',
    `${key} was changed or damaged: its digest is ${actual}, where ${expected} belongs. Replicate it again, or build the revision again.`,
    { key, actual, expected },
  );
}

/** Throws `store.malformed`: a blob whose name is none of ours stands where the check would miss it. */
export function unknownName(key: string): never {
  throw new DomainError(
    'store.malformed',
    `${JSON.stringify(key)} is no name that Slipway gives. Somebody else put it there; move it away.`,
    { key },
  );
}

/** What the checks of signed documents hold them to. */
export interface Trusted {
  readonly trust: Trust;
  readonly nowMs: number;
}
