/** Owns hashing the contents of several files at the same time, in threads where they are large. Knows nothing of where the bytes come from. */
import { availableParallelism } from 'node:os';
import type { LaneDigests } from './hash-lanes.ts';
import { openStreamHash, type StreamHash } from './stream-hash.ts';

const bufferBytes = 1024 * 1024;
/** More read faster than most disks give. */
const maximumLanes = 4;

interface Lane {
  readonly hash: StreamHash<LaneDigests['content']>;
  /** One is filled while the other is hashed; shared, so that no thread copies them. */
  readonly buffers: readonly Uint8Array[];
}

/** Fills the buffer from its start with `lengthBytes` from `offset`, and returns these. */
export type ReadContent = (buffer: Uint8Array, offset: number, lengthBytes: number) => Promise<Uint8Array>;

export class ContentDigests {
  readonly #lanes: Lane[];
  readonly #idle: Lane[];
  readonly #waiting: ((lane: Lane) => void)[] = [];

  /** `expectedBytes`, of all contents together, decides between threads and the caller's own, nothing else. */
  constructor(expectedBytes: number) {
    this.#lanes = Array.from({ length: Math.min(availableParallelism(), maximumLanes) }, () => ({
      hash: openStreamHash('content', expectedBytes),
      buffers: [0, 1].map(() => new Uint8Array(new SharedArrayBuffer(bufferBytes))),
    }));
    this.#idle = [...this.#lanes];
  }

  #acquire(): Promise<Lane> {
    const lane = this.#idle.pop();
    return lane === undefined ? new Promise(resolve => this.#waiting.push(resolve)) : Promise.resolve(lane);
  }

  #release(lane: Lane): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(lane);
    else next(lane);
  }

  /** The SHA-256 of a content, in hex. Throws what `read` throws. */
  async of(sizeBytes: number, read: ReadContent): Promise<string> {
    const lane = await this.#acquire();
    let hashing: Promise<void> = Promise.resolve();
    try {
      for (let offset = 0, turn = 0; offset < sizeBytes; offset += bufferBytes, turn = 1 - turn) {
        const buffer = lane.buffers[turn] ?? new Uint8Array();
        const bytes = await read(buffer, offset, Math.min(bufferBytes, sizeBytes - offset));
        await hashing;
        hashing = lane.hash.update(bytes);
      }
      await hashing;
      return (await lane.hash.digest()).sha256;
    } catch (error) {
      // What came so far is no part of the next content.
      await hashing.then(() => lane.hash.digest()).catch(() => undefined);
      throw error;
    } finally {
      this.#release(lane);
    }
  }

  /** May be repeated; nothing may be under way. */
  async close(): Promise<void> {
    await Promise.all(this.#lanes.map(({ hash }) => hash.close()));
  }
}
