/** Owns cutting a stream of bytes into frames. Knows nothing of what it carries. */
import type { FrameSlot } from './frame-slot.ts';
import type { FrameThreads } from './frame-threads.ts';
import type { PackDone, PackTask } from './pack-thread.ts';
import { frameBytes } from './seek-table.ts';

/** Cuts a stream into frames, each where the one before it is full. */
export class FrameFiller {
  readonly #threads: FrameThreads<PackTask, PackDone>;
  #slot: FrameSlot | null = null;
  #usedBytes = 0;

  constructor(threads: FrameThreads<PackTask, PackDone>) {
    this.#threads = threads;
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      if (this.#usedBytes === frameBytes) this.flush();
      this.#slot ??= await this.#threads.acquire();
      const part = bytes.subarray(done, done + frameBytes - this.#usedBytes);
      this.#slot.content.set(part, this.#usedBytes);
      this.#usedBytes += part.length;
      done += part.length;
    }
  }

  flush(): void {
    if (this.#slot !== null) this.#threads.submit(this.#slot, { contentBytes: this.#usedBytes, files: null });
    this.#slot = null;
    this.#usedBytes = 0;
  }
}
