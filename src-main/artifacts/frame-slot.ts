/** Owns the memory in which one frame is worked on by several threads, one after the other. */
import { frameBytes, maximumCompressedBytes } from './seek-table.ts';

/** Shared memory, so that no thread copies a frame for the next one, and none is left for the collector. */
export type FrameMemory = SharedArrayBuffer;

export interface FrameSlot {
  readonly memory: FrameMemory;
  /** The frame's content, from its start. */
  readonly content: Uint8Array<SharedArrayBuffer>;
  /** The frame as it lies in the pack. */
  readonly compressed: Uint8Array<SharedArrayBuffer>;
}

export function allocateFrame(): FrameMemory {
  return new SharedArrayBuffer(frameBytes + maximumCompressedBytes);
}

export function slotOf(memory: FrameMemory): FrameSlot {
  return {
    memory,
    content: new Uint8Array(memory, 0, frameBytes),
    compressed: new Uint8Array(memory, frameBytes, maximumCompressedBytes),
  };
}
