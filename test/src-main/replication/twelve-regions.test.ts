import { describe, expect, it } from 'vitest';
import { DomainError, type ErrorCode } from '../../../src-main/contract/errors.ts';
import { listEvents } from '../../../src-main/database/events.ts';
import { errorFromJson } from '../../../src-main/database/json-column.ts';
import { findRegion, findReplica } from '../../../src-main/database/regions.ts';
import { type Fault, faulty } from '../../support/blob-stores.ts';
import { startControlCenter } from '../../support/control-center.ts';
import { eventually } from '../../support/eventually.ts';

const refusals: Readonly<Record<string, ErrorCode>> = {
  down: 'store.unreachable',
  locked: 'store.forbidden',
  gone: 'store.unreachable',
  full: 'store.full',
};
const fine = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7'];

describe('one artifact to twelve regions', () => {
  it('is verified in seven while three fail, one is slow and one is full, and in all after the repair, without a hand', async () => {
    let aheadMs = 0;
    const faults = new Map<string, Fault>();
    const slow = Promise.withResolvers<void>();
    for (const [name, code] of Object.entries(refusals)) {
      faults.set(name, () => {
        throw new DomainError(code, `The store of ${name} says ${code}.`);
      });
    }
    faults.set('slow', () => slow.promise);
    const center = await startControlCenter({
      clock: () => Date.now() + aheadMs,
      aroundRegion: (store, region) => faulty(store, () => faults.get(region.name) ?? null),
    });
    const regions = new Map<string, string>();
    for (const name of [...fine, ...Object.keys(refusals), 'slow']) {
      regions.set(name, (await center.addRegion(name)).id);
    }
    const channel = await center.addChannel();
    const build = await center.publishBuild(channel.repositoryId);
    const replicaIn = async (name: string) => {
      const replica = await findReplica(center.db, build.packDigest, regions.get(name) ?? '');
      if (!replica) throw new Error(`${name} has no replica`);
      return replica;
    };
    await center.reconciler.start();
    const becomes = (name: string, status: string) =>
      eventually(async () => (await replicaIn(name)).status === status, { what: `${status} in ${name}` });

    // The slow one is held until the end: whatever is verified before that did not wait for it.
    for (const name of fine) await becomes(name, 'verified');
    for (const [name, code] of Object.entries(refusals)) {
      await becomes(name, 'failed');
      expect(errorFromJson((await replicaIn(name)).error)).toMatchObject({
        code,
        message: expect.stringContaining(name),
      });
      expect(errorFromJson((await findRegion(center.db, regions.get(name) ?? ''))?.error ?? null)).toMatchObject({
        code,
      });
    }
    expect((await replicaIn('slow')).status).toBe('copying');

    // Tried again and again, each by its own measure; what has not changed is told once.
    aheadMs = 60 * 60_000;
    for (const name of Object.keys(refusals)) {
      await eventually(async () => (await replicaIn(name)).attempts >= 2, { what: `another try in ${name}` });
    }
    const failures = (await listEvents(center.db, { after: 0, limit: 1_000 })).filter(
      ({ type }) => type === 'replica.failed',
    );
    expect(failures.map(({ subjectId }) => subjectId).sort()).toEqual(
      Object.keys(refusals)
        .map(name => regions.get(name))
        .sort(),
    );

    faults.clear();
    slow.resolve();
    aheadMs = 24 * 60 * 60_000;
    for (const name of regions.keys()) await becomes(name, 'verified');
    for (const id of regions.values()) expect((await findRegion(center.db, id))?.error).toBeNull();
  });
});
