/** Owns the difference between what each region should hold and what it holds, and works to remove it. A region that is down holds up no other. */
import { setTimeout as delay } from 'node:timers/promises';
import { storeKeys } from '../contract/documents.ts';
import { insertMissingAudits } from '../database/audits.ts';
import { findPack } from '../database/builds.ts';
import type { Db } from '../database/open-database.ts';
import {
  listDueReplicas,
  listRegionsWithWork,
  type ReplicaRecord,
  reopenInterruptedReplicas,
  updateReplica,
} from '../database/regions.ts';
import {
  insertMissingReplicas,
  removeReplica,
  type UnwantedReplica,
  withdrawUnwantedReplicas,
} from '../database/wanted-replicas.ts';
import type { Clock } from '../domain/clock.ts';
import type { RegionStore, RegionStores } from '../releases/region-stores.ts';
import type { TrustService } from '../releases/trust-service.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createRegionAudit, type RegionAudit } from './region-audit.ts';
import type { RegionDocuments } from './region-documents.ts';
import { type CopyProgress, createReplicaCopy } from './replica-copy.ts';
import { createStoreAudit } from './store-audit.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';
import { createStaging } from './transfer.ts';

/** How often copies are looked for whose time has come: one small statement. */
const lookEveryMs = 2_000;
/** The safety net under the signals, which come at once: documents are looked at again. */
const settleEveryMs = 60_000;
/** The same for what should be where: a signal tells of every change, so this is for what came about without one. */
const desireEveryMs = 10 * 60_000;
const auditEveryMs = 60_000;
const progressEveryMs = 250;
/** A store that does not even end a call in this time is left to itself when the engine ends. */
const stopPatienceMs = 10_000;

export type { CopyProgress } from './replica-copy.ts';

export interface Reconciler {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Something changed: look now. */
  signal(): void;
  /** Live progress of a copy; null when it is not under way. */
  progress(packDigest: string, regionId: string): CopyProgress | null;
  readonly audit: RegionAudit;
}

/** What is under way to one region, and its bandwidth. */
interface Lane {
  readonly copies: Map<string, Promise<void>>;
  readonly bucket: TokenBucket;
}

export function createReconciler(options: {
  readonly db: Db;
  readonly stores: RegionStores;
  readonly documents: RegionDocuments;
  readonly trust: TrustService;
  readonly masterKey: Uint8Array;
  /** Where blobs of a main store elsewhere lie while they are sent on. */
  readonly stagingFolder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onPulse: () => void;
  readonly onEvent: () => void;
}): Reconciler {
  const { db, stores, documents, clock, logger } = options;
  const stopping = new AbortController();
  const staging = createStaging(options.stagingFolder);
  const lanes = new Map<string, Lane>();
  const progress = new Map<string, CopyProgress>();
  /** Copies whose end could not be written down; their rows still say that they are under way. */
  const unrecorded = new Map<string, ReplicaRecord>();
  /** Copies that no policy wants any more: not copied again, and gone when the store could be asked. */
  const unwanted = new Map<string, UnwantedReplica>();
  /** Regions where a copy ended since the last look: a channel may have waited for it. */
  const ended = new Set<string>();
  let timer: NodeJS.Timeout | null = null;
  let looking: Promise<void> | null = null;
  let auditing: Promise<void> | null = null;
  let settledAt = Number.NEGATIVE_INFINITY;
  let desiredAt = Number.NEGATIVE_INFINITY;
  let auditedAt = performance.now();
  let isSignalled = true;
  let reportedAt = 0;

  const nameOf = (replica: UnwantedReplica) => `${replica.packDigest} ${replica.regionId}`;
  const shared = { db, stores, trust: options.trust, staging, clock, logger, signal: stopping.signal };
  const storeAudit = createStoreAudit({ ...shared, onEvent: options.onEvent });
  const audit = createRegionAudit({ ...shared, audit: storeAudit, documents, onStale: () => signal() });
  const replicaCopy = createReplicaCopy({
    ...shared,
    masterKey: options.masterKey,
    onEvent: options.onEvent,
    onMainDamaged: packDigest => void mendMain(packDigest),
  });

  async function mendMain(packDigest: string): Promise<void> {
    try {
      const pack = await findPack(db, packDigest);
      if (!pack || pack.reclaimedAt !== null) return;
      const { findings } = await storeAudit.lookAtPack(await audit.mainStore(), pack, { deep: true });
      for (const finding of findings) logger.warn('audit.found', { region: 'main', ...finding });
      if (findings.some(finding => finding.action === 'repaired')) signal();
    } catch (error) {
      if (!stopping.signal.aborted) logger.warn('main.not_mended', { packDigest, error });
    }
  }

  function laneOf({ region }: RegionStore): Lane {
    const known = lanes.get(region.id) ?? { copies: new Map(), bucket: createTokenBucket() };
    lanes.set(region.id, known);
    known.bucket.setRate(region.bytesPerSecond);
    return known;
  }

  function pulse(): void {
    const now = performance.now();
    if (now - reportedAt < progressEveryMs) return;
    reportedAt = now;
    options.onPulse();
  }

  function begin(target: RegionStore, lane: Lane, replica: ReplicaRecord): void {
    const name = nameOf(replica);
    progress.set(name, { bytesDone: replica.bytesDone, bytesPerSecond: 0 });
    const done = replicaCopy
      .run(target, replica, lane.bucket, current => {
        progress.set(name, current);
        pulse();
      })
      .catch(error => {
        unrecorded.set(name, replica);
        logger.error('replica.unrecorded', { error });
      })
      .finally(() => {
        progress.delete(name);
        lane.copies.delete(name);
        ended.add(replica.regionId);
        run();
      });
    lane.copies.set(name, done);
  }

  /** Begins what a region lacks and may try now, as far as it has places. One that just failed is tried with one copy. */
  async function fill(target: RegionStore): Promise<void> {
    const { region } = target;
    const lane = laneOf(target);
    const places = region.error === null ? region.concurrency : 1;
    if (lane.copies.size >= places) return;
    const due = await listDueReplicas(db, region.id, clock(), places + lane.copies.size + unwanted.size);
    for (const replica of due) {
      if (stopping.signal.aborted || lane.copies.size >= places) return;
      const name = nameOf(replica);
      if (!lane.copies.has(name) && !unwanted.has(name)) begin(target, lane, replica);
    }
  }

  /** Begins them again, as soon as the database takes that. */
  async function reopenUnrecorded(): Promise<void> {
    for (const [name, replica] of unrecorded) {
      if (lanes.get(replica.regionId)?.copies.has(name)) continue;
      await updateReplica(db, replica, { status: 'pending', nextAttemptAt: clock() + lookEveryMs });
      unrecorded.delete(name);
    }
  }

  /** Deletes the copies that nothing wants any more, beside everything else. The pack's documents stay: they are small, and name it. */
  async function removeUnwanted(targets: readonly RegionStore[]): Promise<void> {
    for (const replica of await withdrawUnwantedReplicas(db)) unwanted.set(nameOf(replica), replica);
    for (const [name, replica] of unwanted) {
      const target = targets.find(({ region }) => region.id === replica.regionId);
      if (target?.region.paused === 1 || lanes.get(replica.regionId)?.copies.has(name)) continue;
      void (async () => {
        await target?.store.delete(storeKeys.pack(replica.packDigest));
        await removeReplica(db, replica);
      })()
        .catch(error => logger.warn('replica.not_removed', { ...replica, error }))
        .finally(() => unwanted.delete(name));
    }
  }

  /** Brings the rows up to what should be where. */
  async function desire(targets: readonly RegionStore[]): Promise<void> {
    desiredAt = performance.now();
    await removeUnwanted(targets);
    await insertMissingReplicas(db);
    await insertMissingAudits(db, clock());
  }

  async function settle(targets: readonly RegionStore[]): Promise<void> {
    settledAt = performance.now();
    const plan = await documents.plan();
    void documents.renewMain(plan);
    for (const target of targets) if (target.region.paused === 0) void documents.publishTo(target, plan);
  }

  async function publishAfterCopies(targets: readonly RegionStore[]): Promise<void> {
    const due = targets.filter(({ region }) => ended.has(region.id) && region.paused === 0);
    ended.clear();
    if (due.length === 0) return;
    const plan = await documents.plan();
    for (const target of due) void documents.publishTo(target, plan);
  }

  async function look(): Promise<void> {
    await reopenUnrecorded();
    const nowMs = performance.now();
    if (isSignalled || nowMs - desiredAt > desireEveryMs) {
      isSignalled = false;
      const targets = await stores.regional();
      await desire(targets);
      await settle(targets);
    } else if (nowMs - settledAt > settleEveryMs) await settle(await stores.regional());
    // What is at rest costs this one statement.
    const withWork = await listRegionsWithWork(db, clock());
    if (withWork.size > 0 || ended.size > 0) {
      const targets = await stores.regional();
      await publishAfterCopies(targets);
      for (const target of targets) {
        if (stopping.signal.aborted) return;
        if (target.region.paused === 0 && withWork.has(target.region.id)) await fill(target);
      }
    }
    if (auditing === null && performance.now() - auditedAt > auditEveryMs) {
      auditedAt = performance.now();
      auditing = audit.tick().finally(() => {
        auditing = null;
      });
    }
  }

  function run(): void {
    if (stopping.signal.aborted || looking) return;
    if (timer) clearTimeout(timer);
    looking = look()
      .catch(error => logger.error('reconciler.failed', { error }))
      .finally(() => {
        looking = null;
        if (stopping.signal.aborted) return;
        if (isSignalled || ended.size > 0) run();
        else timer = setTimeout(run, lookEveryMs);
      });
  }

  function signal(): void {
    isSignalled = true;
    run();
  }

  return {
    signal,
    audit,
    progress: (packDigest, regionId) => progress.get(nameOf({ packDigest, regionId })) ?? null,
    async start() {
      auditedAt = performance.now();
      await reopenInterruptedReplicas(db);
      signal();
    },
    async stop() {
      stopping.abort();
      if (timer) clearTimeout(timer);
      await looking;
      const copies = [...lanes.values()].flatMap(lane => [...lane.copies.values()]);
      const quiet = Promise.all([...copies, auditing, documents.settle()]);
      const patience = new AbortController();
      await Promise.race([quiet, delay(stopPatienceMs, undefined, { signal: patience.signal })]).finally(() =>
        patience.abort(),
      );
    },
  };
}
