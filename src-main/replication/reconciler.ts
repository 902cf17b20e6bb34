/** Owns the difference between what each region should hold and what it holds, and works to remove it. A region that is down holds up no other. */

import { storeKeys } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import { findPack } from '../database/builds.ts';
import { appendEvent } from '../database/events.ts';
import { errorToJson } from '../database/json-column.ts';
import type { Db } from '../database/open-database.ts';
import {
  findReplica,
  insertMissingReplicas,
  listDueReplicas,
  listReplicasOfRegion,
  type ReplicaRecord,
  reopenInterruptedReplicas,
  updateRegion,
  updateReplica,
} from '../database/regions.ts';
import { backoffMs, replicaBackoff } from '../domain/backoff.ts';
import type { Clock } from '../domain/clock.ts';
import type { RegionStore, RegionStores } from '../releases/region-stores.ts';
import type { Logger } from '../telemetry/logger.ts';
import { copyPack, digestOf } from './copy-pack.ts';
import type { RegionDocuments } from './region-documents.ts';

/** The safety net under the signals, which come at once. */
const lookEveryMs = 2_000;
const copiesAtOncePerRegion = 2;
const progressEveryMs = 250;

export interface CopyProgress {
  readonly bytesDone: number;
  readonly bytesPerSecond: number;
}

export interface Reconciler {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Something changed: look now. */
  signal(): void;
  /** Live progress of a copy; null when it is not under way. */
  progress(packDigest: string, regionId: string): CopyProgress | null;
  /** Reads every verified copy of a region back; damaged ones become stale and are copied again. */
  verify(region: RegionStore): Promise<{ readonly checked: number; readonly damaged: number }>;
}

export function createReconciler(options: {
  readonly db: Db;
  readonly stores: RegionStores;
  readonly documents: RegionDocuments;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onPulse: () => void;
  readonly onEvent: () => void;
}): Reconciler {
  const { db, stores, clock, logger } = options;
  const stopping = new AbortController();
  const copies = new Map<string, { readonly regionId: string; readonly done: Promise<void> }>();
  const progress = new Map<string, CopyProgress>();
  /** Copies whose end could not be written down; their rows still say that they are under way. */
  const unrecorded = new Map<string, ReplicaRecord>();
  let timer: NodeJS.Timeout | null = null;
  let looking: Promise<void> | null = null;
  let again = false;

  const nameOf = (replica: Pick<ReplicaRecord, 'packDigest' | 'regionId'>) =>
    `${replica.packDigest} ${replica.regionId}`;

  async function record(
    replica: ReplicaRecord,
    type: 'replica.started' | 'replica.verified' | 'replica.failed' | 'replica.stale',
    data: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    await appendEvent(db, {
      type,
      at: clock(),
      subjectId: replica.regionId,
      data: { packDigest: replica.packDigest, ...data },
    });
    options.onEvent();
  }

  async function copy(target: RegionStore, replica: ReplicaRecord): Promise<void> {
    const name = nameOf(replica);
    const startedAt = clock();
    let reportedAt = 0;
    progress.set(name, { bytesDone: 0, bytesPerSecond: 0 });
    try {
      await updateReplica(db, replica, { status: 'copying', startedAt, bytesDone: 0, error: null });
      await record(replica, 'replica.started');
      const pack = await findPack(db, replica.packDigest);
      if (!pack) throw new DomainError('not_found', `Pack ${replica.packDigest} is not in the database any more.`);
      // Its row was chosen before the pack was reclaimed, and went with that; from `copying` on it is not reclaimed.
      if (pack.reclaimedAt !== null) return;
      await copyPack({
        db,
        main: stores.main,
        region: target.store,
        pack,
        signal: stopping.signal,
        onProgress: bytesDone => {
          const now = clock();
          const seconds = Math.max(1, now - startedAt) / 1_000;
          progress.set(name, { bytesDone, bytesPerSecond: Math.round(bytesDone / seconds) });
          if (now - reportedAt < progressEveryMs) return;
          reportedAt = now;
          options.onPulse();
        },
      });
      await updateReplica(db, replica, {
        status: 'verified',
        verifiedAt: clock(),
        bytesDone: pack.sizeBytes,
        attempts: 0,
        error: null,
      });
      if (target.region.error !== null) await updateRegion(db, target.region.id, { error: null });
      await record(replica, 'replica.verified', { durationMs: clock() - startedAt, sizeBytes: pack.sizeBytes });
    } catch (error) {
      await fail(target, replica, error);
    } finally {
      progress.delete(name);
      copies.delete(name);
      signal();
    }
  }

  async function fail(target: RegionStore, replica: ReplicaRecord, error: unknown): Promise<void> {
    if (stopping.signal.aborted) {
      await updateReplica(db, replica, { status: 'pending' });
      return;
    }
    const failure =
      error instanceof DomainError ? error : new DomainError('internal', `The copy failed: ${messageOf(error)}.`);
    if (failure.code === 'internal') logger.error('replica.failed_unexpectedly', { ...replica, error });
    const attempts = replica.attempts + 1;
    const text = errorToJson(failure);
    await updateReplica(db, replica, {
      status: 'failed',
      attempts,
      nextAttemptAt: clock() + backoffMs(replicaBackoff, attempts, Math.random()),
      error: text,
    });
    if (failure.code.startsWith('store.')) await updateRegion(db, target.region.id, { error: text });
    await record(replica, 'replica.failed', { code: failure.code, message: failure.message, attempts });
  }

  /** Begins them again, as soon as the database takes that. */
  async function reopenUnrecorded(): Promise<void> {
    for (const [name, replica] of unrecorded) {
      if (copies.has(name)) continue;
      await updateReplica(db, replica, { status: 'pending', nextAttemptAt: 0 });
      unrecorded.delete(name);
    }
  }

  async function look(): Promise<void> {
    await reopenUnrecorded();
    await insertMissingReplicas(db);
    void options.documents.renewMain(stores.main);
    for (const target of await stores.regional()) {
      if (stopping.signal.aborted || target.region.paused === 1) continue;
      const running = [...copies.values()].filter(active => active.regionId === target.region.id).length;
      const due = await listDueReplicas(db, target.region.id, clock(), copiesAtOncePerRegion);
      for (const replica of due.slice(0, Math.max(0, copiesAtOncePerRegion - running))) {
        if (copies.has(nameOf(replica))) continue;
        const done = copy(target, replica).catch(error => {
          unrecorded.set(nameOf(replica), replica);
          logger.error('replica.unrecorded', { error });
        });
        copies.set(nameOf(replica), { regionId: target.region.id, done });
      }
      void options.documents.publishTo(target);
    }
  }

  const schedule = () => {
    if (stopping.signal.aborted) return;
    if (timer) clearTimeout(timer);
    timer = setTimeout(signal, lookEveryMs);
  };

  function signal(): void {
    if (stopping.signal.aborted) return;
    if (looking) {
      again = true;
      return;
    }
    looking = look()
      .catch(error => logger.error('reconciler.failed', { error }))
      .finally(() => {
        looking = null;
        if (again) {
          again = false;
          signal();
        } else schedule();
      });
  }

  return {
    signal,
    progress: (packDigest, regionId) => progress.get(nameOf({ packDigest, regionId })) ?? null,
    async start() {
      await reopenInterruptedReplicas(db);
      signal();
    },
    async stop() {
      stopping.abort();
      if (timer) clearTimeout(timer);
      await looking;
      await Promise.all([...copies.values()].map(active => active.done));
      await options.documents.settle();
    },
    async verify({ region, store }) {
      let damaged = 0;
      const replicas = (await listReplicasOfRegion(db, region.id)).filter(replica => replica.status === 'verified');
      for (const replica of replicas) {
        const digest = await digestOf(store, storeKeys.pack(replica.packDigest), stopping.signal);
        // `verifiedAt` stays: it is when the region had caught up, which the lag and the timeline are made of.
        if (digest === replica.packDigest) continue;
        damaged += 1;
        await updateReplica(db, replica, { status: 'stale', nextAttemptAt: 0, bytesDone: 0 });
        const stale = await findReplica(db, replica.packDigest, region.id);
        if (stale) await record(stale, 'replica.stale', { found: digest ?? 'nothing' });
      }
      signal();
      return { checked: replicas.length, damaged };
    },
  };
}
