/** Owns the thread that takes one lane of hashes of a stream, so that neither reading nor compressing waits for it. */
import { parentPort, workerData } from 'node:worker_threads';
import { createLane, type LaneDigests, type LaneName } from './hash-lanes.ts';

/** Bytes to take, or null for the digest of what came so far. */
export type HashRequest = Uint8Array | null;
/** Null when the bytes were taken: then their memory may be used again. */
export type HashReply<Lane extends LaneName> = LaneDigests[Lane] | null;

/** What `workerData` is; checked by hand, since a schema's library takes longer to load than all the rest of the thread. */
export interface HashSettings {
  readonly lane: LaneName;
  readonly pieceLengthBytes: number;
}

function isSettings(data: unknown): data is HashSettings {
  return typeof data === 'object' && data !== null && 'lane' in data && 'pieceLengthBytes' in data;
}

if (!isSettings(workerData)) throw new TypeError('A hashing thread was started without its settings.');
const lane = createLane(workerData.lane, workerData.pieceLengthBytes);

parentPort?.on('message', (request: HashRequest) => {
  if (request !== null) lane.update(request);
  const reply: HashReply<LaneName> = request === null ? lane.digest() : null;
  parentPort?.postMessage(reply);
});
