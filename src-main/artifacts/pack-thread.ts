/** Owns the thread that compresses frames: bytes come in, one independent zstd frame goes out. Knows nothing of files. */
import { parentPort } from 'node:worker_threads';
import { constants, zstdCompressSync } from 'node:zlib';
import { maximumCompressedBytes } from './seek-table.ts';

export interface FrameTask {
  readonly index: number;
  /** Holds the content, and on the way back the frame: at least `maximumCompressedBytes` long. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  readonly contentBytes: number;
}

export interface FrameResult {
  readonly index: number;
  readonly buffer: Uint8Array<ArrayBuffer>;
  readonly compressedBytes: number;
}

const settings = {
  // The whole frame in one piece: pieces would be garbage that piles up faster than it is collected.
  chunkSize: maximumCompressedBytes,
  params: {
    // zstd's own default; the next levels cost twice the time for a few percent.
    [constants.ZSTD_c_compressionLevel]: 3,
    [constants.ZSTD_c_checksumFlag]: 1,
  },
};

parentPort?.on('message', ({ index, buffer, contentBytes }: FrameTask) => {
  const frame = zstdCompressSync(buffer.subarray(0, contentBytes), settings);
  const compressedBytes = frame.length;
  buffer.set(frame);
  // Frees the memory now: left to the collector, dozens of frames pile up first.
  frame.buffer.transfer(0);
  const result: FrameResult = { index, buffer, compressedBytes };
  parentPort?.postMessage(result, [buffer.buffer]);
});
