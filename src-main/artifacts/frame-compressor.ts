/** Owns the threads that compress a pack's frames, and gives the frames back in order. Memory is bounded by its buffers. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { threadPath } from '../process/entry-points.ts';
import type { FrameResult, FrameTask } from './pack-thread.ts';
import { maximumCompressedBytes } from './seek-table.ts';

/** One core stays for reading, hashing and the rest of the machine; more than eight threads outrun the one that reads. */
const maximumThreads = 8;
/** Frames beyond one per thread, so that a thread has work while the next frame is filled and the last is written. */
const spareBuffers = 2;

/** `requested` bounded to what helps on this machine. The bytes of a pack do not depend on it. */
export function threadCount(requested: number | undefined): number {
  const wanted = requested ?? availableParallelism() - 1;
  return Math.max(1, Math.min(Math.floor(wanted), maximumThreads));
}

/** Compresses filled buffers on threads; `write` gets the frames one at a time, in the order of `submit`. */
export class FrameCompressor {
  readonly #threads: Worker[];
  readonly #write: (frame: Uint8Array, contentBytes: number) => Promise<void>;
  readonly #free: Uint8Array<ArrayBuffer>[];
  readonly #waiting: ((buffer: Uint8Array<ArrayBuffer>) => void)[] = [];
  readonly #arrivals = new Map<number, (result: FrameResult) => void>();
  readonly #failure: Promise<never>;
  #fail: (reason: unknown) => void = () => undefined;
  #submitted = 0;
  #written: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(threads: number, write: (frame: Uint8Array, contentBytes: number) => Promise<void>) {
    this.#write = write;
    this.#failure = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    this.#failure.catch(() => undefined);
    this.#free = Array.from({ length: threads + spareBuffers }, () => new Uint8Array(maximumCompressedBytes));
    this.#threads = Array.from({ length: threads }, () => {
      const thread = new Worker(threadPath('pack-thread'), { name: 'slipway-pack' });
      thread.on('message', (result: FrameResult) => {
        this.#arrivals.get(result.index)?.(result);
        this.#arrivals.delete(result.index);
      });
      thread.on('error', error => this.#fail(error));
      thread.on('messageerror', error => this.#fail(error));
      thread.on('exit', code => {
        if (!this.#closed) this.#fail(new Error(`A compression thread ended early with code ${code}.`));
      });
      return thread;
    });
  }

  /** A buffer with room for `frameBytes`; waits until a frame was written if all are in flight. */
  acquire(): Promise<Uint8Array<ArrayBuffer>> {
    const buffer = this.#free.pop();
    if (buffer !== undefined) return Promise.race([Promise.resolve(buffer), this.#failure]);
    return Promise.race([
      new Promise<Uint8Array<ArrayBuffer>>(resolve => {
        this.#waiting.push(resolve);
      }),
      this.#failure,
    ]);
  }

  /** Hands over a buffer; the caller must not touch it again. */
  submit(buffer: Uint8Array<ArrayBuffer>, contentBytes: number): void {
    const index = this.#submitted;
    this.#submitted += 1;
    const arrival = new Promise<FrameResult>(resolve => {
      this.#arrivals.set(index, resolve);
    });
    const task: FrameTask = { index, buffer, contentBytes };
    this.#threads[index % this.#threads.length]?.postMessage(task, [buffer.buffer]);
    this.#written = this.#written.then(async () => {
      const result = await Promise.race([arrival, this.#failure]);
      await this.#write(result.buffer.subarray(0, result.compressedBytes), contentBytes);
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(result.buffer);
      else next(result.buffer);
    });
    this.#written.catch(error => this.#fail(error));
  }

  /** Waits until every frame is written. Throws what went wrong in a thread or in `write`. */
  async finish(): Promise<void> {
    await Promise.race([this.#written, this.#failure]);
  }

  /** Ends the threads and waits for a write that is under way; may be repeated. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#fail(new Error('The compressor was closed.'));
    await Promise.all(this.#threads.map(thread => thread.terminate()));
    await this.#written.catch(() => undefined);
  }
}
