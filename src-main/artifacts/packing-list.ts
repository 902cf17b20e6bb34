/**
 * Owns what a pack will hold, in the order of its tar, in memory that threads share: about 80 bytes for each entry and its name, and
 * none of it on a heap that is collected or copied from thread to thread.
 */
import type { FileEntry } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { comparePaths } from './safe-path.ts';
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
  /** Paths in UTF-8, one after the other; a link's target follows its path after a NUL. */
  readonly names: SharedArrayBuffer;
  /** Where in `names` each entry ends. */
  readonly nameEnds: SharedArrayBuffer;
  readonly kinds: SharedArrayBuffer;
  readonly sizes: SharedArrayBuffer;
  /** Of the entry in the tar: header, content, padding. */
  readonly tarSizes: SharedArrayBuffer;
  readonly identities: SharedArrayBuffer;
  /** SHA-256 of each file, as soon as it was read. */
  readonly digests: SharedArrayBuffer;
}

/** A column of numbers that grows. Untouched memory costs nothing, so it doubles. */
class Column<View extends { set(source: View): void; readonly BYTES_PER_ELEMENT: number }> {
  readonly #make: (memory: SharedArrayBuffer) => View;
  memory: SharedArrayBuffer;
  view: View;

  constructor(make: (memory: SharedArrayBuffer) => View, startBytes: number) {
    this.#make = make;
    this.memory = new SharedArrayBuffer(startBytes);
    this.view = make(this.memory);
  }

  fit(bytes: number): void {
    if (bytes <= this.memory.byteLength) return;
    const before = this.view;
    this.memory = new SharedArrayBuffer(Math.max(bytes, this.memory.byteLength * 2));
    this.view = this.#make(this.memory);
    this.view.set(before);
  }
}

const startEntries = 1024;

/** Takes entries in the order of their paths. */
export class PackingListBuilder {
  readonly #names = new Column(memory => Buffer.from(memory), startEntries * 64);
  readonly #nameEnds = new Column(memory => new Uint32Array(memory), startEntries * 4);
  readonly #kinds = new Column(memory => new Uint8Array(memory), startEntries);
  readonly #sizes = new Column(memory => new Float64Array(memory), startEntries * 8);
  readonly #tarSizes = new Column(memory => new Float64Array(memory), startEntries * 8);
  readonly #identities = new Column(memory => new Float64Array(memory), startEntries * 8 * identityNumbers);
  #count = 0;
  #nameBytes = 0;
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
    this.#names.fit(this.#nameBytes + text.length * 3);
    this.#nameBytes += this.#names.view.write(text, this.#nameBytes, 'utf8');
    this.#nameEnds.fit(this.#count * 4);
    this.#nameEnds.view[index] = this.#nameBytes;
    this.#kinds.fit(this.#count);
    this.#kinds.view[index] = entry.kind === 'file' && entry.executable ? kinds.executable : kinds[entry.kind];
    this.#tarSizes.fit(this.#count * 8);
    this.#tarSizes.view[index] = tarEntryBytes(entry);
    this.#sizes.fit(this.#count * 8);
    this.#identities.fit(this.#count * 8 * identityNumbers);
    if (entry.kind !== 'file') return;
    this.#sizes.view[index] = entry.sizeBytes;
    const { dev, ino, mtimeMs, ctimeMs } = entry.identity;
    this.#identities.view.set([dev, ino, mtimeMs, ctimeMs], index * identityNumbers);
  }

  finish(): PackingListMemory {
    return {
      count: this.#count,
      names: this.#names.memory,
      nameEnds: this.#nameEnds.memory,
      kinds: this.#kinds.memory,
      sizes: this.#sizes.memory,
      tarSizes: this.#tarSizes.memory,
      identities: this.#identities.memory,
      digests: new SharedArrayBuffer(this.#count * digestBytes),
    };
  }
}

/** A view of the list; any thread may have one. */
export class PackingList {
  readonly count: number;
  readonly #names: Buffer;
  readonly #nameEnds: Uint32Array;
  readonly #kinds: Uint8Array;
  readonly #sizes: Float64Array;
  readonly #tarSizes: Float64Array;
  readonly #identities: Float64Array;
  readonly #digests: Buffer;

  constructor(memory: PackingListMemory) {
    this.count = memory.count;
    this.#names = Buffer.from(memory.names);
    this.#nameEnds = new Uint32Array(memory.nameEnds);
    this.#kinds = new Uint8Array(memory.kinds);
    this.#sizes = new Float64Array(memory.sizes);
    this.#tarSizes = new Float64Array(memory.tarSizes);
    this.#identities = new Float64Array(memory.identities);
    this.#digests = Buffer.from(memory.digests);
  }

  /** What the file list of all entries takes in bytes at most: of a name only quotes take more than themselves. */
  get listedBytes(): number {
    return 2 * (this.#nameEnds[this.count - 1] ?? 0) + this.count * listedEntryBytes;
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
    const text = this.#names.toString('utf8', index === 0 ? 0 : this.#nameEnds[index - 1], this.#nameEnds[index]);
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
