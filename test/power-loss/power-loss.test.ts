/** Power cuts, simulated: every write and sync of a real run is recorded, and replayed to points at which the power may fail. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createFilesystemStore } from '../../src-main/stores/filesystem-store.ts';
import { queueImageCheck } from './queue-images.ts';
import { type Cut, canTrace, type Replay, record, replay } from './replay.ts';
import { blobAt } from './store-blobs.ts';
import type { DiskCall } from './trace.ts';

const cutPoints = 1_000;
const seed = Math.floor(Math.random() * 1e9);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const acknowledgements = (calls: readonly DiskCall[]) =>
  calls.flatMap(call => (call.kind === 'acknowledged' ? [call.text] : []));

function report(what: string, calls: readonly DiskCall[], { cutPoints, images, failures }: Replay): void {
  const counts = [...Map.groupBy(calls, call => call.kind)].map(([kind, found]) => `${found.length} ${kind}`);
  console.log(`${what}: ${counts.join(', ')}; ${cutPoints} cut points, ${images} images, ${failures.length} failures`);
}

describe.skipIf(!canTrace())('a power cut', () => {
  it('leaves the queue at a committed state that has all that was acknowledged, at 1,000 points', async () => {
    const calls = await record('./record-queue.ts', ['20', 'full']);
    const states = acknowledgements(calls);
    expect(new Set(states).size).toBe(states.length);
    const result = await replay(calls, { cutPoints, seed, check: queueImageCheck(states) });
    report('queue', calls, result);
    expect(result.failures.slice(0, 10), `seed ${seed}`).toEqual([]);
    expect(result.cutPoints).toBe(cutPoints);
  });

  it('is seen to lose what was acknowledged where nothing is synced', async () => {
    const calls = await record('./record-queue.ts', ['5', 'off']);
    const check = queueImageCheck(acknowledgements(calls));
    const { failures } = await replay(calls, { cutPoints: 60, seed, check });
    expect(failures.length).toBeGreaterThan(10);
    expect(failures.join('\n')).toMatch(/and \d+ was acknowledged/);
  });

  it('leaves every blob whose put was acknowledged, whole', async () => {
    const calls = await record('./record-store.ts', ['20']);
    const result = await replay(calls, { cutPoints: 200, seed, check: checkStore });
    report('store', calls, result);
    expect(result.failures.slice(0, 10), `seed ${seed}`).toEqual([]);
  });
});

/** The acknowledged puts of a store and the one under way: a key has the bytes of the last, or of the one that replaces it. */
async function checkStore({ folder, acknowledged }: Cut): Promise<void> {
  const store = createFilesystemStore(folder);
  const allowed = new Map<string, string[]>();
  for (let index = 0; index <= acknowledged.length; index += 1) {
    const { key, bytes } = blobAt(index);
    const isHeld = index < acknowledged.length;
    allowed.set(key, [...(isHeld ? [] : (allowed.get(key) ?? ['missing'])), sha256(bytes)]);
  }
  for (const [key, digests] of allowed) {
    const found = await store.read(key, 10_000_000);
    const digest = found === null ? 'missing' : sha256(found.bytes);
    if (!digests.includes(digest)) {
      throw new Error(`${key} is ${found === null ? 'missing' : 'neither the old nor the new one'}`);
    }
  }
}
