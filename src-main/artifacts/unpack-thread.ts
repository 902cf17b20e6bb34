/** Owns the thread that turns one frame of a pack into files: it decompresses, compares with the list, checks digests, writes. */
import { hash } from 'node:crypto';
import { closeSync, constants, fchmodSync, openSync, readSync, writeSync } from 'node:fs';
import path from 'node:path';
import { workerData } from 'node:worker_threads';
import { constants as zlib, zstdDecompressSync } from 'node:zlib';
import type { FileEntry } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { type FramePart, layOut, type PartLayout, type SplitContent } from './frame-plan.ts';
import type { FrameSlot } from './frame-slot.ts';
import { serveFrames } from './frame-worker.ts';
import { damagedFile, malformedPack, maximumWindowLog } from './pack-reader.ts';
import { describeTarHeader, tarBlockBytes } from './tar-header.ts';
import { targetError } from './target-errors.ts';

export interface UnpackTask {
  /** Where the frame begins in the pack. */
  readonly position: number;
  readonly compressedBytes: number;
  readonly contentBytes: number;
  readonly parts: readonly FramePart<FileEntry>[];
}

export interface UnpackDone {
  readonly fileBytes: number;
  /** Of files that lie in several frames: written to the file that was there, and left in the slot to be hashed. */
  readonly splits: readonly SplitContent[];
}

type ListedFile = Extract<FileEntry, { kind: 'file' }>;

export interface UnpackSettings {
  readonly packFile: string;
  readonly targetDir: string;
  /** Whether the umask cuts modes, so that each file's must be set after it was made. */
  readonly setsModes: boolean;
}

/** Checked by hand: a schema's library takes longer to load than all the rest of the thread. */
function isSettings(data: unknown): data is UnpackSettings {
  return typeof data === 'object' && data !== null && 'packFile' in data && 'targetDir' in data && 'setsModes' in data;
}

if (!isSettings(workerData)) throw new TypeError('An unpacking thread was started without its settings.');
const { packFile, targetDir, setsModes } = workerData;
/** No buffer of more lies in the pool of `Buffer`. */
const pooledBytes = 1024 * 1024;
/** Closed when the thread ends. */
const pack = openSync(packFile, 'r');

/** No link is followed. The last flag is absent on Windows. */
const noFollow = constants.O_NOFOLLOW ?? 0;
/** Fails where anything is at the path already. */
const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow;

function decompress({ position, compressedBytes, contentBytes }: UnpackTask, slot: FrameSlot): Uint8Array {
  const compressed = slot.compressed.subarray(0, compressedBytes);
  for (let done = 0; done < compressedBytes; ) {
    const bytesRead = readSync(pack, compressed, done, compressedBytes - done, position + done);
    if (bytesRead === 0) throw malformedPack(packFile, 'is cut short');
    done += bytesRead;
  }
  let content: Uint8Array;
  try {
    content = zstdDecompressSync(compressed, {
      chunkSize: Math.max(contentBytes, zlib.Z_MIN_CHUNK),
      maxOutputLength: contentBytes,
      params: { [zlib.ZSTD_d_windowLogMax]: maximumWindowLog },
    });
  } catch (error) {
    throw malformedPack(packFile, 'has a damaged frame', error);
  }
  if (content.length !== contentBytes) throw malformedPack(packFile, 'has a frame of the wrong size');
  return content;
}

/** The pack is a function of the list, so a header is compared and never interpreted: there is nothing to trick. */
function expectHeader(entry: FileEntry, expected: Uint8Array, actual: Uint8Array): void {
  if (Buffer.compare(actual, expected) === 0) return;
  const found = describeTarHeader(actual.subarray(0, tarBlockBytes));
  const reason = `does not hold ${JSON.stringify(entry.path)} where the file list names it (its header says ${found})`;
  throw malformedPack(packFile, reason, undefined, { expected: entry.path, found });
}

function expectZeros(bytes: Uint8Array): void {
  if (bytes.some(byte => byte !== 0)) throw malformedPack(packFile, 'has data between or after its files');
}

function writeWhole(handle: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(handle, bytes, done, bytes.length - done, position + done);
  }
}

function writeFile(file: ListedFile, { isWhole, filePosition }: PartLayout, bytes: Uint8Array): void {
  if (isWhole && hash('sha256', bytes) !== file.sha256) throw damagedFile(packFile, file);
  const mode = file.executable ? 0o755 : 0o644;
  const handle = openSync(
    `${targetDir}${path.sep}${file.path}`,
    isWhole ? createFlags : constants.O_WRONLY | noFollow,
    mode,
  );
  try {
    writeWhole(handle, bytes, filePosition);
    if (setsModes) fchmodSync(handle, mode);
  } finally {
    closeSync(handle);
  }
}

function place(parts: UnpackTask['parts'], content: Uint8Array, slot: FrameSlot): UnpackDone {
  const splits: SplitContent[] = [];
  let fileBytes = 0;
  let at = 0;
  for (const [index, part] of parts.entries()) {
    const { entry } = part;
    const layout = layOut(part);
    const { header, contentBytes, paddingBytes, isWhole, endsContent } = layout;
    if (entry !== null) expectHeader(entry, header, content.subarray(at, at + header.length));
    at += header.length;
    const bytes = content.subarray(at, at + contentBytes);
    expectZeros(content.subarray(at + contentBytes, at + contentBytes + paddingBytes));
    if (entry?.kind === 'file' && (contentBytes > 0 || isWhole)) {
      writeFile(entry, layout, bytes);
      if (!isWhole) {
        slot.content.set(bytes, at);
        splits.push({ part: index, offset: at, lengthBytes: contentBytes, endsContent });
      }
    }
    at += contentBytes + paddingBytes;
    fileBytes += contentBytes;
  }
  return { fileBytes, splits };
}

serveFrames<UnpackTask, UnpackDone>((task, slot) => {
  const content = decompress(task, slot);
  try {
    return place(task.parts, content, slot);
  } catch (error) {
    const known = targetError(error, targetDir);
    throw known instanceof DomainError ? known : error;
  } finally {
    // Frees the memory now: left to the collector, dozens of frames pile up first. Small ones share Node's own pool.
    if (content.length > pooledBytes && content.buffer instanceof ArrayBuffer) content.buffer.transfer(0);
  }
});
