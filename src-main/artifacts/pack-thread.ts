/** Owns the thread that makes one frame of a pack: reads its files, hashes and frames them as a tar, and compresses that. */
import { hash } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { crc32c } from '../stores/crc32c.ts';
import { type FrameRange, layOut, type SplitContent } from './frame-plan.ts';
import type { FrameSlot } from './frame-slot.ts';
import { serveFrames } from './frame-worker.ts';
import { PackingList, type PackingListMemory } from './packing-list.ts';
import { maximumCompressedBytes } from './seek-table.ts';
import { readSourceFile } from './source-file.ts';
import { tarEndBytes } from './tar-header.ts';

export interface PackTask {
  readonly contentBytes: number;
  /** What the content is made of; null where the slot holds it already. */
  readonly files: { readonly root: string; readonly list: PackingListMemory; readonly range: FrameRange } | null;
}

export interface PackDone {
  readonly compressedBytes: number;
  readonly crc32c: number;
  /** What of the content is from files. */
  readonly fileBytes: number;
  /** Of the files that lie in several frames; the digests of those that lie whole in this one are in the list. */
  readonly splits: readonly SplitContent[];
}

type Filled = Pick<PackDone, 'fileBytes' | 'splits'>;

const settings = {
  // The whole frame in one piece: pieces would be garbage that piles up faster than it is collected.
  chunkSize: maximumCompressedBytes,
  params: {
    // zstd's own default; the next levels cost twice the time for a few percent.
    [constants.ZSTD_c_compressionLevel]: 3,
    [constants.ZSTD_c_checksumFlag]: 1,
  },
};

function fill({ root, list: memory, range }: NonNullable<PackTask['files']>, content: Uint8Array): Filled {
  const list = new PackingList(memory);
  const splits: SplitContent[] = [];
  let at = 0;
  let fileBytes = 0;
  for (let index = range.first; index <= range.last; index += 1) {
    const entry = index < list.count ? list.entryAt(index) : null;
    const end = entry === null ? tarEndBytes : list.tarBytesOf(index);
    const part = { entry, from: index === range.first ? range.from : 0, to: index === range.last ? range.to : end };
    const { header, contentBytes, paddingBytes, filePosition, endsContent, isWhole } = layOut(part);
    content.set(header, at);
    at += header.length;
    const bytes = content.subarray(at, at + contentBytes);
    if (entry?.kind === 'file' && (contentBytes > 0 || isWhole)) {
      readSourceFile(root, list.scannedFileAt(index, entry), bytes, filePosition);
      if (isWhole) list.setDigest(index, hash('sha256', bytes, 'buffer'));
      else splits.push({ part: index, offset: at, lengthBytes: contentBytes, endsContent });
    }
    at += contentBytes;
    fileBytes += contentBytes;
    // A slot still holds the frame before.
    content.fill(0, at, at + paddingBytes);
    at += paddingBytes;
  }
  return { splits, fileBytes };
}

function compress(slot: FrameSlot, contentBytes: number): Pick<PackDone, 'compressedBytes' | 'crc32c'> {
  const frame = zstdCompressSync(slot.content.subarray(0, contentBytes), settings);
  slot.compressed.set(frame);
  const done = { compressedBytes: frame.length, crc32c: crc32c(frame) };
  // Frees the memory now: left to the collector, dozens of frames pile up first.
  frame.buffer.transfer(0);
  return done;
}

serveFrames<PackTask, PackDone>(({ files, contentBytes }, slot) => {
  const filled = files === null ? { splits: [], fileBytes: contentBytes } : fill(files, slot.content);
  return { ...filled, ...compress(slot, contentBytes) };
});
