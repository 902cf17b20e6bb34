/** Owns the thread that takes one lane of hashes of a stream, so that neither reading nor compressing waits for it. */
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { createLane, type LaneDigests, type LaneName } from './hash-lanes.ts';

/** Bytes to take, or null for the digest of what came so far. */
export type HashRequest = Uint8Array | null;
/** Null when the bytes were taken: then their memory may be used again. */
export type HashReply<Lane extends LaneName> = LaneDigests[Lane] | null;

const settings = z
  .object({ lane: z.enum(['content', 'identity', 'checksums']), pieceLengthBytes: z.number().int().positive() })
  .parse(workerData);
const lane = createLane(settings.lane, settings.pieceLengthBytes);

parentPort?.on('message', (request: HashRequest) => {
  if (request !== null) lane.update(request);
  const reply: HashReply<LaneName> = request === null ? lane.digest() : null;
  parentPort?.postMessage(reply);
});
