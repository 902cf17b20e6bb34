/** Owns the thread that compresses frames: bytes come in, one independent zstd frame goes out. Knows nothing of files. */
import { parentPort } from 'node:worker_threads';
import { constants, zstdCompressSync } from 'node:zlib';

export interface FrameTask {
  readonly index: number;
  readonly buffer: Uint8Array<ArrayBuffer>;
  readonly usedBytes: number;
}

export interface FrameResult {
  readonly index: number;
  /** The task's buffer, to be used again. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  readonly frame: Uint8Array<ArrayBuffer>;
}

const settings = {
  // Fixed with the format's other constants: an output buffer of another size may make other bytes.
  chunkSize: 1024 * 1024,
  params: {
    // zstd's own default: 3 to 5 times smaller than the tree at disk speed; the next levels cost twice the time for a few percent.
    [constants.ZSTD_c_compressionLevel]: 3,
    [constants.ZSTD_c_checksumFlag]: 1,
  },
};

parentPort?.on('message', (task: FrameTask) => {
  const compressed = zstdCompressSync(task.buffer.subarray(0, task.usedBytes), settings);
  // A copy of its own: a small result lies in Node's shared pool, which cannot be handed to another thread.
  const frame = new Uint8Array(compressed);
  const result: FrameResult = { index: task.index, buffer: task.buffer, frame };
  parentPort?.postMessage(result, [task.buffer.buffer, frame.buffer]);
});
