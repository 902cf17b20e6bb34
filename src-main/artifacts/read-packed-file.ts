/** Owns reading one file out of a full pack in a store: by its seek table, in ranges, without the rest. Trusts nothing that the pack says. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdDecompress as decompress, type ZstdOptions } from 'node:zlib';
import type { FileEntry } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { decodeSeekTable, type SeekFrame, seekTableBytes, seekTableFooterBytes } from './seek-table.ts';
import { tarEntryBytes, tarHeader } from './tar-header.ts';

const zstdDecompress = promisify<Uint8Array, ZstdOptions, Uint8Array>(decompress);
/** A frame's content is at most 4 MiB (2^22), so a larger window is only good for exhausting memory. */
const maximumWindowLog = 22;

type PackedFile = Extract<FileEntry, { kind: 'file' }>;

export interface PackedFileSource {
  readonly store: BlobStore;
  /** The key of a full pack. */
  readonly packKey: string;
  /** The artifact's file list, which says where in the pack the file lies, and what it must be. */
  readonly entries: readonly FileEntry[];
  readonly signal: AbortSignal;
}

function malformed(key: string, reason: string, cause?: unknown): DomainError {
  return new DomainError(
    'artifact.malformed',
    `${key} ${reason}. Replicate the pack again, or build the revision again.`,
    { key },
    { cause },
  );
}

async function readBytes({ store, packKey, signal }: PackedFileSource, start: number, length: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of await store.get(packKey, { range: { start, end: start + length - 1 }, signal })) {
    const bytes: Uint8Array = chunk;
    sizeBytes += bytes.length;
    if (sizeBytes > length) break;
    chunks.push(bytes);
  }
  if (sizeBytes !== length) throw malformed(packKey, 'is not as long as it says');
  return Buffer.concat(chunks);
}

async function readFrames(source: PackedFileSource): Promise<SeekFrame[]> {
  const { store, packKey } = source;
  const head = await store.head(packKey);
  if (head === null)
    throw new DomainError('store.not_found', `${packKey} is not in the store ${store.url}.`, { key: packKey });
  if (head.sizeBytes < seekTableFooterBytes) throw malformed(packKey, 'is cut short');
  const footer = await readBytes(source, head.sizeBytes - seekTableFooterBytes, seekTableFooterBytes);
  const tableBytes = seekTableBytes(footer);
  if (tableBytes > head.sizeBytes) throw malformed(packKey, 'has a seek table that is larger than the pack');
  return decodeSeekTable(await readBytes(source, head.sizeBytes - tableBytes, tableBytes), head.sizeBytes);
}

async function readFrame(source: PackedFileSource, frame: SeekFrame, position: number): Promise<Uint8Array> {
  const compressed = await readBytes(source, position, frame.compressedBytes);
  try {
    const content = await zstdDecompress(compressed, {
      chunkSize: Math.max(frame.contentBytes, constants.Z_MIN_CHUNK),
      maxOutputLength: frame.contentBytes,
      params: { [constants.ZSTD_d_windowLogMax]: maximumWindowLog },
    });
    if (content.length === frame.contentBytes) return content;
  } catch (error) {
    throw malformed(source.packKey, 'has a damaged frame', error);
  }
  throw malformed(source.packKey, 'has a frame of the wrong size');
}

/** The bytes from `start` to `end` of the tar in the pack, frame by frame. */
async function* readTar(source: PackedFileSource, start: number, end: number): AsyncGenerator<Uint8Array> {
  let position = 0;
  let at = 0;
  for (const frame of await readFrames(source)) {
    const frameEnd = at + frame.contentBytes;
    if (frameEnd > start && at < end) {
      const content = await readFrame(source, frame, position);
      yield content.subarray(Math.max(0, start - at), Math.min(frame.contentBytes, end - at));
    }
    position += frame.compressedBytes;
    at = frameEnd;
    if (at >= end) return;
  }
  throw malformed(source.packKey, 'ends before the file');
}

/**
 * The content of `file`, at most 4 MiB at a time, in memory for one frame. Only the frames that it lies in are read. The digest can be
 * known only at the end: whoever passes the bytes on before must say so when this throws.
 *
 * Throws `artifact.malformed`, `artifact.digest_mismatch` (the pack is not what the file list says), `store.*`.
 */
export async function* readPackedFile(source: PackedFileSource, file: PackedFile): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const entry of source.entries) {
    if (entry.path === file.path) break;
    start += tarEntryBytes(entry);
  }
  const header = Buffer.from(tarHeader(file));
  const hash = createHash('sha256');
  let at = 0;
  for await (const bytes of readTar(source, start, start + header.length + file.sizeBytes)) {
    // What stands before the file is known to the byte: a tar with another entry there is not the list's.
    const headerPart = bytes.subarray(0, Math.max(0, header.length - at));
    if (!header.subarray(at, at + headerPart.length).equals(headerPart)) {
      throw malformed(source.packKey, `holds something else where ${JSON.stringify(file.path)} should be`);
    }
    at += bytes.length;
    const content = bytes.subarray(headerPart.length);
    hash.update(content);
    if (content.length > 0) yield content;
  }
  if (hash.digest('hex') !== file.sha256) {
    throw new DomainError(
      'artifact.digest_mismatch',
      `${JSON.stringify(file.path)} reads back from ${source.packKey} otherwise than the artifact's file list says. What was given out of it must not be used; replicate the pack again.`,
      { path: file.path },
    );
  }
}
