/** Owns the chunk signatures of an artifact's large files: where each chunk lies, kept in a file so that a base is read once. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { type FileEntry, sha256Schema } from '../contract/documents.ts';
import { Chunker, chunkDigest, chunkDigestBytes, maximumChunkBytes } from './delta-chunks.ts';
import type { PackContent } from './delta-content.ts';
import type { ListedFile } from './delta-format.ts';

/** Smaller files are sent whole: little is gained, and an index of every small file of a tree would be large. */
export const largeFileBytes = 32 * 1024;
/** Bounds memory to about 150 MiB; what lies beyond (some 32 GiB of large files) is not found again. */
const maximumChunks = 4 * 1024 * 1024;

export interface Chunk {
  readonly digest: Uint8Array;
  readonly lengthBytes: number;
}

/** The chunks of each large content, by the content's SHA-256. */
export type Signature = ReadonlyMap<string, ContentChunks>;

/** The chunks of one content, one after the other. */
export class ContentChunks {
  /** For each chunk its length (u32, little-endian) and its digest. */
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get count(): number {
    return this.bytes.length / chunkRecordBytes;
  }

  lengthAt(index: number): number {
    return this.bytes.readUInt32LE(index * chunkRecordBytes);
  }

  digestAt(index: number): Buffer {
    return this.bytes.subarray(index * chunkRecordBytes + 4, (index + 1) * chunkRecordBytes);
  }
}
const chunkRecordBytes = 4 + chunkDigestBytes;

/** Collects the chunks of one content as they are cut. */
export class ChunkList {
  #bytes = Buffer.alloc(64 * chunkRecordBytes);
  #used = 0;

  add(digest: Uint8Array, lengthBytes: number): void {
    if (this.#used === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#used)]);
    this.#bytes.writeUInt32LE(lengthBytes, this.#used);
    this.#bytes.set(digest, this.#used + 4);
    this.#used += chunkRecordBytes;
  }

  finish(): ContentChunks {
    return new ContentChunks(Buffer.from(this.#bytes.subarray(0, this.#used)));
  }
}

export function isLarge(entry: FileEntry): entry is ListedFile {
  return entry.kind === 'file' && entry.sizeBytes >= largeFileBytes;
}

/** Reads every large file of `entries`. Throws `artifact.*`, `store.*`, the signal's reason. */
export async function signContents(
  entries: readonly FileEntry[],
  content: PackContent,
  signal: AbortSignal | undefined,
): Promise<Signature> {
  const signature = new Map<string, ContentChunks>();
  let total = 0;
  for (const file of entries) {
    if (!isLarge(file) || signature.has(file.sha256) || total >= maximumChunks) continue;
    const list = new ChunkList();
    const chunker = new Chunker();
    for await (const piece of content.read(file)) {
      signal?.throwIfAborted();
      for (const chunk of chunker.push(piece)) list.add(chunkDigest(chunk), chunk.length);
    }
    for (const chunk of chunker.finish()) list.add(chunkDigest(chunk), chunk.length);
    const chunks = list.finish();
    total += chunks.count;
    signature.set(file.sha256, chunks);
  }
  return signature;
}

const headSchema = z.object({
  type: z.literal('slipway.chunks/v1'),
  contents: z.array(z.object({ sha256: sha256Schema, chunks: z.number().int().nonnegative() })),
});

/** Writes a signature whole or not at all. */
export async function writeSignature(path: string, signature: Signature): Promise<void> {
  const contents = [...signature].map(([sha256, chunks]) => ({ sha256, chunks: chunks.count }));
  const head = Buffer.from(`${JSON.stringify({ type: 'slipway.chunks/v1', contents })}\n`);
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, Buffer.concat([head, ...[...signature.values()].map(chunks => chunks.bytes)]));
  await rename(temporary, path);
}

/** The signature in `path`; null where there is none that can be read, which costs a read of the base and no more. */
export async function readSignature(path: string): Promise<Signature | null> {
  try {
    const bytes = await readFile(path);
    const headEnd = bytes.indexOf(10);
    const head = headSchema.parse(JSON.parse(bytes.subarray(0, headEnd).toString('utf8')));
    const signature = new Map<string, ContentChunks>();
    let at = headEnd + 1;
    for (const { sha256, chunks } of head.contents) {
      const end = at + chunks * chunkRecordBytes;
      if (end > bytes.length) return null;
      signature.set(sha256, new ContentChunks(bytes.subarray(at, end)));
      at = end;
    }
    return at === bytes.length ? signature : null;
  } catch {
    return null;
  }
}

/** Finds a chunk anywhere in the base. Which place is found depends on the base's list alone. */
export class ChunkIndex {
  readonly #table: Int32Array;
  readonly #digests: Buffer;
  readonly #files: Uint32Array;
  readonly #offsets: Float64Array;
  readonly #lengths: Uint32Array;

  constructor(entries: readonly FileEntry[], signature: Signature) {
    const seen = new Set<string>();
    const indexed: { readonly index: number; readonly chunks: ContentChunks }[] = [];
    let count = 0;
    for (const [index, entry] of entries.entries()) {
      const chunks = isLarge(entry) && !seen.has(entry.sha256) ? signature.get(entry.sha256) : undefined;
      if (entry.kind !== 'file' || chunks === undefined || count + chunks.count > maximumChunks) continue;
      seen.add(entry.sha256);
      indexed.push({ index, chunks });
      count += chunks.count;
    }
    let slots = 16;
    while (slots < count * 2) slots *= 2;
    this.#table = new Int32Array(slots).fill(-1);
    this.#digests = Buffer.alloc(count * chunkDigestBytes);
    this.#files = new Uint32Array(count);
    this.#offsets = new Float64Array(count);
    this.#lengths = new Uint32Array(count);
    let next = 0;
    for (const { index, chunks } of indexed) {
      let offset = 0;
      for (let chunk = 0; chunk < chunks.count; chunk += 1) {
        const digest = chunks.digestAt(chunk);
        const slot = this.#slotOf(digest);
        if (this.#table[slot] === -1) {
          digest.copy(this.#digests, next * chunkDigestBytes);
          this.#files[next] = index;
          this.#offsets[next] = offset;
          this.#lengths[next] = chunks.lengthAt(chunk);
          this.#table[slot] = next;
          next += 1;
        }
        offset += chunks.lengthAt(chunk);
      }
    }
  }

  /** Where the chunk lies in the base: entry, offset and length in bytes; null where it does not. */
  find(digest: Uint8Array, lengthBytes: number): { readonly from: number; readonly offset: number } | null {
    const found = this.#table[this.#slotOf(digest)] ?? -1;
    if (found === -1 || this.#lengths[found] !== lengthBytes || lengthBytes > maximumChunkBytes) return null;
    return { from: this.#files[found] ?? 0, offset: this.#offsets[found] ?? 0 };
  }

  /** The slot that holds the digest, or the free one where it belongs. */
  #slotOf(digest: Uint8Array): number {
    const mask = this.#table.length - 1;
    let slot = Buffer.from(digest.buffer, digest.byteOffset, digest.length).readUInt32LE(0) & mask;
    for (;;) {
      const at = this.#table[slot] ?? -1;
      if (at === -1) return slot;
      const start = at * chunkDigestBytes;
      if (this.#digests.compare(digest, 0, chunkDigestBytes, start, start + chunkDigestBytes) === 0) return slot;
      slot = (slot + 1) & mask;
    }
  }
}
