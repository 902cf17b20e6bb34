/** Owns taking a lane of hashes of a stream: in a thread of its own where there is much to take, else at once. */
import { Worker } from 'node:worker_threads';
import { threadPath } from '../process/entry-points.ts';
import { createLane, type LaneDigests, type LaneName } from './hash-lanes.ts';
import type { HashReply, HashRequest, HashSettings } from './hash-thread.ts';

/** Less is hashed sooner than a thread has started. */
const worthwhileBytes = 16 * 1024 * 1024;

export interface StreamHash<Digest> {
  /** Resolves when `bytes` may change again. One call at a time. */
  update(bytes: Uint8Array): Promise<void>;
  /** Of what came since the last digest. */
  digest(): Promise<Digest>;
  /** May be repeated. */
  close(): Promise<void>;
}

class ThreadHash<Lane extends LaneName> implements StreamHash<LaneDigests[Lane]> {
  readonly #thread: Worker;
  readonly #failure: Promise<never>;
  #answer: (reply: HashReply<Lane>) => void = () => undefined;

  constructor(lane: Lane, pieceLengthBytes: number) {
    const workerData: HashSettings = { lane, pieceLengthBytes };
    this.#thread = new Worker(threadPath('hash-thread'), {
      name: `slipway-hash-${lane}`,
      workerData,
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    this.#thread.on('message', (reply: HashReply<Lane>) => this.#answer(reply));
    this.#failure = new Promise<never>((_, reject) => {
      this.#thread.on('error', reject);
      this.#thread.on('messageerror', reject);
      this.#thread.on('exit', code => reject(new Error(`A hashing thread ended early with code ${code}.`)));
    });
    this.#failure.catch(() => undefined);
  }

  #ask(request: HashRequest): Promise<HashReply<Lane>> {
    const reply = new Promise<HashReply<Lane>>(resolve => {
      this.#answer = resolve;
    });
    this.#thread.postMessage(request);
    return Promise.race([reply, this.#failure]);
  }

  async update(bytes: Uint8Array): Promise<void> {
    await this.#ask(bytes);
  }

  async digest(): Promise<LaneDigests[Lane]> {
    const digest = await this.#ask(null);
    if (digest === null) throw new Error('A hashing thread gave no digest.');
    return digest;
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }
}

/** `expectedBytes` decides between a thread and the caller's own, nothing else. */
export function openStreamHash<Lane extends LaneName>(
  lane: Lane,
  expectedBytes: number,
  pieceLengthBytes = 1,
): StreamHash<LaneDigests[Lane]> {
  if (expectedBytes >= worthwhileBytes) return new ThreadHash(lane, pieceLengthBytes);
  const inline = createLane(lane, pieceLengthBytes);
  return {
    update: async bytes => inline.update(bytes),
    digest: async () => inline.digest(),
    close: async () => undefined,
  };
}
