/**
 * Owns what a pack will hold, in the order of its tar, in memory that threads share: about 80 bytes for each entry and its name, and
 * none of it on a heap that is collected or copied from thread to thread.
 */
import type { FileEntry } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { comparePaths, maximumEntries } from './safe-path.ts';
import type { PackableEntry } from './scan-tree.ts';
import type { ScannedFile } from './source-file.ts';
import { type TarEntry, tarEntryBytes } from './tar-header.ts';

const digestBytes = 32;
/** `dev`, `ino`, `mtimeMs`, `ctimeMs`. */
const identityNumbers = 4;
const kinds = { file: 0, executable: 1, link: 2, directory: 3 } as const;
/** What a line of the file list has beside the name: keys, the longest numbers, a digest. */
const listedEntryBytes = 160;
/** No path or link target holds it. */
const separator = '\0';

/** As it travels between threads, which all see the same bytes. */
export interface PackingListMemory {
  readonly count: number;
  /** Segments of one size with paths in UTF-8; a link's target follows its path after a NUL. */
  readonly names: readonly SharedArrayBuffer[];
  /** Where in all of `names` each entry begins. */
  readonly nameStarts: SharedArrayBuffer;
  /** A path and a target have 1,024 bytes each at most. */
  readonly nameBytes: SharedArrayBuffer;
  readonly kinds: SharedArrayBuffer;
  readonly sizes: SharedArrayBuffer;
  /** Of the entry in the tar: header, content, padding. */
  readonly tarSizes: SharedArrayBuffer;
  readonly identities: SharedArrayBuffer;
  /** SHA-256 of each file, as soon as it was read. */
  readonly digests: SharedArrayBuffer;
}

/** Room for one entry more than a list may have. Memory that is not written to costs nothing, and a column that grew would be there twice. */
const roomEntries = maximumEntries + 1;
/** No name lies in two segments. */
const segmentBytes = 4 * 1024 * 1024;

const column = (bytesPerEntry: number) => new SharedArrayBuffer(roomEntries * bytesPerEntry);

/** Takes entries in the order of their paths. */
export class PackingListBuilder {
  readonly #names: SharedArrayBuffer[] = [];
  #segment = Buffer.from(new SharedArrayBuffer(0));
  readonly #nameStarts = new Uint32Array(column(4));
  readonly #nameBytes = new Uint16Array(column(2));
  readonly #kinds = new Uint8Array(column(1));
  readonly #sizes = new Float64Array(column(8));
  readonly #tarSizes = new Float64Array(column(8));
  readonly #identities = new Float64Array(column(8 * identityNumbers));
  #count = 0;
  #usedBytes = 0;
  #lastPath = '';

  get count(): number {
    return this.#count;
  }

  /** Throws `conflict` where the order is broken: then the tree changes while it is looked through. */
  add(entry: PackableEntry): void {
    if (this.#count > 0 && comparePaths(this.#lastPath, entry.path) >= 0) {
      const message = `The tree changed at ${JSON.stringify(entry.path)} while it was read. Make sure that no program writes into it, and try again.`;
      throw new DomainError('conflict', message, { path: entry.path });
    }
    this.#lastPath = entry.path;
    const index = this.#count;
    this.#count += 1;
    const text = entry.kind === 'link' ? entry.path + separator + entry.target : entry.path;
    // Of a UTF-16 unit at most three bytes.
    if (this.#usedBytes + text.length * 3 > this.#segment.length) this.#startSegment();
    const nameBytes = this.#segment.write(text, this.#usedBytes, 'utf8');
    this.#nameStarts[index] = (this.#names.length - 1) * segmentBytes + this.#usedBytes;
    this.#nameBytes[index] = nameBytes;
    this.#usedBytes += nameBytes;
    this.#kinds[index] = entry.kind === 'file' && entry.executable ? kinds.executable : kinds[entry.kind];
    this.#tarSizes[index] = tarEntryBytes(entry);
    if (entry.kind !== 'file') return;
    this.#sizes[index] = entry.sizeBytes;
    const { dev, ino, mtimeMs, ctimeMs } = entry.identity;
    this.#identities.set([dev, ino, mtimeMs, ctimeMs], index * identityNumbers);
  }

  #startSegment(): void {
    const memory = new SharedArrayBuffer(segmentBytes);
    this.#names.push(memory);
    this.#segment = Buffer.from(memory);
    this.#usedBytes = 0;
  }

  finish(): PackingListMemory {
    return {
      count: this.#count,
      names: this.#names,
      nameStarts: this.#nameStarts.buffer,
      nameBytes: this.#nameBytes.buffer,
      kinds: this.#kinds.buffer,
      sizes: this.#sizes.buffer,
      tarSizes: this.#tarSizes.buffer,
      identities: this.#identities.buffer,
      digests: new SharedArrayBuffer(this.#count * digestBytes),
    };
  }
}

/** A view of the list; any thread may have one. */
export class PackingList {
  readonly count: number;
  readonly #names: readonly Buffer[];
  readonly #nameStarts: Uint32Array;
  readonly #nameBytes: Uint16Array;
  readonly #kinds: Uint8Array;
  readonly #sizes: Float64Array;
  readonly #tarSizes: Float64Array;
  readonly #identities: Float64Array;
  readonly #digests: Buffer;

  constructor(memory: PackingListMemory) {
    this.count = memory.count;
    this.#names = memory.names.map(segment => Buffer.from(segment));
    this.#nameStarts = new Uint32Array(memory.nameStarts);
    this.#nameBytes = new Uint16Array(memory.nameBytes);
    this.#kinds = new Uint8Array(memory.kinds);
    this.#sizes = new Float64Array(memory.sizes);
    this.#tarSizes = new Float64Array(memory.tarSizes);
    this.#identities = new Float64Array(memory.identities);
    this.#digests = Buffer.from(memory.digests);
  }

  /** What the file list of all entries takes in bytes at most: of a name only quotes take more than themselves. */
  get listedBytes(): number {
    return 2 * this.#names.length * segmentBytes + this.count * listedEntryBytes;
  }

  isFile(index: number): boolean {
    return this.#kinds[index] === kinds.file || this.#kinds[index] === kinds.executable;
  }

  sizeBytesOf(index: number): number {
    return this.#sizes[index] ?? 0;
  }

  tarBytesOf(index: number): number {
    return this.#tarSizes[index] ?? 0;
  }

  entryAt(index: number): TarEntry {
    const place = this.#nameStarts[index] ?? 0;
    const start = place % segmentBytes;
    const end = start + (this.#nameBytes[index] ?? 0);
    const text = this.#names[Math.floor(place / segmentBytes)]?.toString('utf8', start, end) ?? '';
    const kind = this.#kinds[index];
    if (kind === kinds.directory) return { kind: 'directory', path: text };
    if (kind === kinds.link) {
      const [path = '', target = ''] = text.split(separator);
      return { kind: 'link', path, target };
    }
    return { kind: 'file', path: text, executable: kind === kinds.executable, sizeBytes: this.sizeBytesOf(index) };
  }

  /** The file whose `entryAt` is `entry`, as it was when it was scanned. */
  scannedFileAt(index: number, { path, sizeBytes }: Extract<TarEntry, { kind: 'file' }>): ScannedFile {
    const number = (at: number) => this.#identities[index * identityNumbers + at] ?? 0;
    return { path, sizeBytes, identity: { dev: number(0), ino: number(1), mtimeMs: number(2), ctimeMs: number(3) } };
  }

  /** `sha256` in 32 bytes. */
  setDigest(index: number, sha256: Uint8Array): void {
    this.#digests.set(sha256, index * digestBytes);
  }

  /** As the file list names it; of a file only after its digest was set. */
  listedAt(index: number): FileEntry {
    const entry = this.entryAt(index);
    if (entry.kind !== 'file') return entry;
    const sha256 = this.#digests.toString('hex', index * digestBytes, (index + 1) * digestBytes);
    return { ...entry, sha256 };
  }

  *listed(): Generator<FileEntry> {
    for (let index = 0; index < this.count; index += 1) yield this.listedAt(index);
  }
}
