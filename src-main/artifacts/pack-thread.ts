/** Owns the thread that makes one frame of a pack: reads its files, hashes and frames them as a tar, and compresses that. */
import { hash } from 'node:crypto';
import { workerData } from 'node:worker_threads';
import { constants, zstdCompressSync } from 'node:zlib';
import { z } from 'zod';
import { type FramePart, layOut, type SplitContent } from './frame-plan.ts';
import type { FrameSlot } from './frame-slot.ts';
import { serveFrames } from './frame-worker.ts';
import type { PackableEntry } from './scan-tree.ts';
import { maximumCompressedBytes } from './seek-table.ts';
import { readSourceFile } from './source-file.ts';

export interface PackTask {
  readonly contentBytes: number;
  /** What the content is made of; null where the slot holds it already. */
  readonly parts: readonly FramePart<PackableEntry>[] | null;
}

export interface PackDone {
  readonly compressedBytes: number;
  /** What of the content is from files. */
  readonly fileBytes: number;
  /** For each part the SHA-256 of its file in hex, where all of the file is in it. */
  readonly digests: readonly (string | null)[];
  readonly splits: readonly SplitContent[];
}

const { root } = z.object({ root: z.string() }).parse(workerData);

const settings = {
  // The whole frame in one piece: pieces would be garbage that piles up faster than it is collected.
  chunkSize: maximumCompressedBytes,
  params: {
    // zstd's own default; the next levels cost twice the time for a few percent.
    [constants.ZSTD_c_compressionLevel]: 3,
    [constants.ZSTD_c_checksumFlag]: 1,
  },
};

function fill(parts: readonly FramePart<PackableEntry>[], content: Uint8Array): Omit<PackDone, 'compressedBytes'> {
  const digests: (string | null)[] = [];
  const splits: SplitContent[] = [];
  let at = 0;
  let fileBytes = 0;
  for (const [index, part] of parts.entries()) {
    const { entry } = part;
    const { header, contentBytes, paddingBytes, filePosition, endsContent, isWhole } = layOut(part);
    content.set(header, at);
    at += header.length;
    const bytes = content.subarray(at, at + contentBytes);
    if (entry?.kind === 'file' && (contentBytes > 0 || isWhole)) {
      readSourceFile(root, entry, bytes, filePosition);
      if (!isWhole) splits.push({ part: index, offset: at, lengthBytes: contentBytes, endsContent });
    }
    digests.push(isWhole ? hash('sha256', bytes) : null);
    at += contentBytes;
    fileBytes += contentBytes;
    // A slot still holds the frame before.
    content.fill(0, at, at + paddingBytes);
    at += paddingBytes;
  }
  return { digests, splits, fileBytes };
}

function compress(slot: FrameSlot, contentBytes: number): number {
  const frame = zstdCompressSync(slot.content.subarray(0, contentBytes), settings);
  slot.compressed.set(frame);
  const { length } = frame;
  // Frees the memory now: left to the collector, dozens of frames pile up first.
  frame.buffer.transfer(0);
  return length;
}

serveFrames<PackTask, PackDone>(({ parts, contentBytes }, slot) => {
  const filled = parts === null ? { digests: [], splits: [], fileBytes: contentBytes } : fill(parts, slot.content);
  return { ...filled, compressedBytes: compress(slot, contentBytes) };
});
