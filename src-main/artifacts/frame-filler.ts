/** Owns where the stream of the tar is cut into frames. Knows nothing of what it carries. */
import type { FrameCompressor } from './frame-compressor.ts';
import { frameBytes } from './seek-table.ts';

/** Cuts the stream of the tar into frames: at the start of an entry that does not fit any more, and where a frame is full. */
export class FrameFiller {
  readonly #compressor: FrameCompressor;
  #buffer: Uint8Array<ArrayBuffer> | null = null;
  #usedBytes = 0;

  constructor(compressor: FrameCompressor) {
    this.#compressor = compressor;
  }

  startEntry(entryBytes: number): void {
    if (this.#usedBytes + entryBytes > frameBytes) this.flush();
  }

  /** Room in the current frame, at most `wantedBytes`, counted as used; the caller fills it before anything else. */
  async reserve(wantedBytes: number): Promise<Uint8Array> {
    if (this.#usedBytes === frameBytes) this.flush();
    this.#buffer ??= await this.#compressor.acquire();
    const room = this.#buffer.subarray(this.#usedBytes, Math.min(this.#usedBytes + wantedBytes, frameBytes));
    this.#usedBytes += room.length;
    return room;
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const room = await this.reserve(bytes.length - done);
      room.set(bytes.subarray(done, done + room.length));
      done += room.length;
    }
  }

  flush(): void {
    if (this.#buffer !== null && this.#usedBytes > 0) {
      this.#compressor.submit(this.#buffer, this.#usedBytes);
      this.#buffer = null;
    }
    this.#usedBytes = 0;
  }
}
