/** Owns when packs, logs and leftovers are reclaimed: on demand, every hour, and when the disk runs low. One run at a time. */
import { statfs } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReclaimPlan, ReclaimResult } from '../contract/disk.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { dropHold, listEndedHolds } from '../database/pack-holds.ts';
import { listRegions } from '../database/regions.ts';
import { listRemovals, markReclaimed, noteOrphan, reopenRemovals } from '../database/retention.ts';
import type { Clock } from '../domain/clock.ts';
import type { DataFolder } from '../domain/data-folder.ts';
import { formatSize } from '../domain/format-size.ts';
import { readBuildDefaults } from '../queue/build-defaults.ts';
import type { RegionStores } from '../releases/region-stores.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { listLogs, reclaimLogs, removeWorkFolders } from './reclaim-logs.ts';
import { decide, planView, readRules, reclaimable } from './reclaim-plan.ts';
import { type RemovalOutcome, removePacks } from './remove-packs.ts';
import { createRecordReader, packsOfPointers } from './store-names.ts';

/** The disk is looked at this often. */
const lookEveryMs = 60_000;
const reclaimEveryMs = 60 * 60_000;
/** From the start on: builds that wait for the engine come first. */
const firstReclaimMs = 5 * 60_000;
/** While the disk is low: what can go went at the first run, and the next frees what was let go since. */
const reclaimWhenLowMs = 10 * 60_000;
/** Workers wait for the database while packs are marked; so many take a fraction of a second. */
const marksAtOnce = 500;
/** Whoever asked is answered after so long, also where a store does not; its deletions go on. */
const storePatienceMs = 30_000;

export interface Retention {
  /** Takes up what an ended engine had begun, then looks every minute. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What `reclaim` would do now. Throws `store.*` where the main store cannot say what its pointers name. */
  plan(): Promise<ReclaimPlan>;
  /** Of packs only those in `only`, where it is given. What a store does not take now is done later. Throws `store.*` of the main store. */
  reclaim(only?: readonly string[]): Promise<ReclaimResult>;
  /** Why builds do not start: `step.disk`, or null. */
  readonly problem: DomainError | null;
}

/** Of the disk that holds `path`; null where the platform does not say. */
export async function diskSpace(
  path: string,
): Promise<{ readonly totalBytes: number; readonly freeBytes: number } | null> {
  const facts = await statfs(path).catch(() => null);
  return facts && { totalBytes: facts.blocks * facts.bsize, freeBytes: facts.bavail * facts.bsize };
}

export function createRetention(options: {
  readonly db: Db;
  readonly stores: RegionStores;
  readonly folder: DataFolder;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Packs were given up, and their blobs are about to go: whoever reads them lets go first. Never throws. */
  readonly onReclaimed: () => Promise<void>;
  /** The problem came or went. */
  readonly onChanged: () => void;
}): Retention {
  const { db, stores, folder, clock, logger } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const unknownRecords = createRecordReader(db);
  /** Deletions under way, by region: one that hangs holds up no other store, and is not begun twice. */
  const removing = new Map<string, Promise<RemovalOutcome>>();
  let running: Promise<unknown> = Promise.resolve();
  let looking: Promise<void> = Promise.resolve();
  let reclaimedAt = clock() - reclaimEveryMs + firstReclaimMs;
  let problem: DomainError | null = null;

  async function noteOrphans(): Promise<void> {
    for (const hold of await listEndedHolds(db)) {
      await inTransaction(db, async transaction => {
        await noteOrphan(transaction, hold);
        await dropHold(transaction, hold);
      });
    }
  }

  /** Marks in transactions that look at everything again: a release or a report in between keeps its packs. */
  async function mark(only: readonly string[] | undefined): Promise<number> {
    const named = await packsOfPointers(stores.main);
    if (reclaimable(await decide(db, named, clock())).length === 0) return 0;
    const wanted = only && new Set(only);
    let marked = 0;
    for (let last = marksAtOnce; last === marksAtOnce && !signal.aborted; marked += last) {
      last = await inTransaction(db, async transaction => {
        const now = clock();
        const digests = reclaimable(await decide(transaction, named, now));
        const chosen = wanted ? digests.filter(digest => wanted.has(digest)) : digests;
        return markReclaimed(transaction, chosen.slice(0, marksAtOnce), now);
      });
    }
    return marked;
  }

  function removeFrom(regionId: string, store: BlobStore): Promise<RemovalOutcome> {
    const known = removing.get(regionId);
    if (known) return known;
    const removal = listRemovals(db)
      .then(all => all.filter(one => one.regionId === regionId))
      .then(removals => removePacks({ db, store, removals, unknownRecords, clock, signal }))
      .finally(() => removing.delete(regionId));
    removing.set(regionId, removal);
    return removal;
  }

  async function patiently(name: string, removal: Promise<RemovalOutcome>): Promise<RemovalOutcome> {
    const patience = new AbortController();
    const late = delay(storePatienceMs, undefined, { signal: patience.signal, ref: false }).then(() => {
      throw new DomainError(
        'store.unreachable',
        `${name} takes its time; what is reclaimed there is deleted as it answers.`,
      );
    });
    try {
      return await Promise.race([removal, late]);
    } finally {
      patience.abort();
      late.catch(() => undefined);
      removal.catch(() => undefined);
    }
  }

  async function removeEverywhere(): Promise<ReclaimResult['stores']> {
    const main = (await listRegions(db)).find(region => region.isMain === 1);
    const targets = [...(main ? [{ region: main, store: stores.main }] : []), ...(await stores.regional())];
    return Promise.all(
      targets.map(async ({ region, store }) => {
        const { name } = region;
        const about = { name, isMain: region.isMain === 1 };
        try {
          const { kept, ...done } = await patiently(name, removeFrom(region.id, store));
          return { ...about, ...done, stillNamed: kept, error: null };
        } catch (caught) {
          const error = caught instanceof DomainError ? caught : new DomainError('internal', messageOf(caught));
          logger.warn('retention.store_failed', { region: name, error: caught });
          return { ...about, packs: 0, sizeBytes: 0, stillNamed: 0, error: error.toView() };
        }
      }),
    );
  }

  async function run(only?: readonly string[]): Promise<ReclaimResult> {
    await noteOrphans();
    let packs = 0;
    let failure: unknown = null;
    try {
      packs = await mark(only);
    } catch (error) {
      // The rest needs no word of the main store, and a disk that is low needs the rest.
      failure = error;
    }
    if (packs > 0) await options.onReclaimed();
    const done = await removeEverywhere();
    const { logs: rule } = await readRules(db);
    const { logs, sizeBytes } = await reclaimLogs(db, folder, { rule, now: clock(), signal });
    const workFolders = await removeWorkFolders(db, folder);
    reclaimedAt = clock();
    const freed = done.filter(store => store.isMain).reduce((sum, store) => sum + store.sizeBytes, sizeBytes);
    if (freed > 0 || workFolders > 0) logger.info('retention.reclaimed', { packs, logs, workFolders, freed });
    await checkSpace();
    if (failure !== null) throw failure;
    return { packs, stores: done, logs: { jobs: logs, sizeBytes }, workFolders, sizeBytes: freed };
  }

  function reclaim(only?: readonly string[]): Promise<ReclaimResult> {
    const next = running.catch(() => undefined).then(() => run(only));
    running = next;
    return next;
  }

  async function checkSpace(): Promise<void> {
    const space = await diskSpace(folder.root);
    const { keepFreeBytes } = await readBuildDefaults(db);
    const isLow = space !== null && space.freeBytes < keepFreeBytes;
    const was = problem !== null;
    problem = isLow
      ? new DomainError(
          'step.disk',
          `Builds do not start: the disk of ${folder.root} has ${formatSize(space.freeBytes)} free, and builds leave ${formatSize(keepFreeBytes)} free. "slipway disk" shows what takes it; what may go is reclaimed by itself.`,
          { freeBytes: space.freeBytes, keepFreeBytes },
        )
      : null;
    if (was !== isLow) options.onChanged();
  }

  async function look(): Promise<void> {
    await checkSpace();
    // A clock that was set back must not put it off for ever.
    const since = Math.abs(clock() - reclaimedAt);
    if (since >= (problem === null ? reclaimEveryMs : reclaimWhenLowMs)) await reclaim();
  }

  async function watch(): Promise<void> {
    while (!signal.aborted) {
      await look().catch(error => logger.warn('retention.failed', { error }));
      await delay(lookEveryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  return {
    reclaim,
    get problem() {
      return problem;
    },
    async plan() {
      const named = await packsOfPointers(stores.main);
      const now = clock();
      return planView(db, await decide(db, named, now), await listLogs(db, folder), now);
    },
    async start() {
      await reopenRemovals(db);
      looking = watch();
    },
    async stop() {
      stopping.abort();
      await looking;
      await running.catch(() => undefined);
      await Promise.allSettled(removing.values());
    },
  };
}
