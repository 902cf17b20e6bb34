/** Owns the time in which sound regions verify one artifact, with faulty regions beside them or without. */
import { DomainError, type ErrorCode } from '../../../src-main/contract/errors.ts';
import { countReplicas } from '../../../src-main/database/regions.ts';
import { type Fault, faulty } from '../../support/blob-stores.ts';
import { startControlCenter } from '../../support/control-center.ts';
import { eventually } from '../../support/eventually.ts';
import { withEnds } from './ends.ts';

const sound = 7;
const faults: readonly ErrorCode[] = ['store.unreachable', 'store.forbidden', 'store.not_found', 'store.full'];

/** Seconds from the signal until all seven are verified. */
export async function catchUp(options: { readonly sizeBytes: number; readonly isFaulty: boolean }): Promise<number> {
  return withEnds(async onEnd => {
    const slow = Promise.withResolvers<void>();
    const faultOf = new Map<string, Fault>([['slow', () => slow.promise]]);
    for (const code of faults) {
      faultOf.set(code, () => {
        throw new DomainError(code, `This store says ${code}.`);
      });
    }
    const center = await startControlCenter({
      onEnd,
      aroundRegion: (store, region) => faulty(store, () => faultOf.get(region.name) ?? null),
    });
    const regions: string[] = [];
    for (let index = 0; index < sound; index += 1) regions.push((await center.addRegion(`sound-${index}`)).id);
    if (options.isFaulty) for (const name of faultOf.keys()) await center.addRegion(name);
    const channel = await center.addChannel();
    await center.publishBuild(channel.repositoryId, options.sizeBytes);
    const startedAtMs = performance.now();
    await center.reconciler.start();
    for (const id of regions) {
      const isVerified = async () => (await countReplicas(center.db, id)).every(({ status }) => status === 'verified');
      await eventually(async () => (await countReplicas(center.db, id)).length > 0 && (await isVerified()), {
        what: 'the copies',
      });
    }
    const seconds = (performance.now() - startedAtMs) / 1_000;
    slow.resolve();
    return seconds;
  });
}
