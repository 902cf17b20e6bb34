/** Owns one try of one copy with all that is written down of it: its start, its progress, its end, what it moved, what went wrong. */
import { DomainError, messageOf } from '../contract/errors.ts';
import { writeAudit } from '../database/audits.ts';
import { findPack } from '../database/builds.ts';
import { appendEvent } from '../database/events.ts';
import { errorFromJson, errorToJson } from '../database/json-column.ts';
import type { Db } from '../database/open-database.ts';
import {
  expediteReplicas,
  listHolders,
  postponeReplicas,
  type ReplicaRecord,
  updateRegion,
  updateReplica,
} from '../database/regions.ts';
import { addTraffic } from '../database/traffic.ts';
import type { Clock } from '../domain/clock.ts';
import { isOfRegion, replicaWaitMs, retryAfterOf } from '../domain/replica-retry.ts';
import type { RegionStore, RegionStores } from '../releases/region-stores.ts';
import type { TrustService } from '../releases/trust-service.ts';
import { openSealed, seal } from '../secrets/seal.ts';
import type { UploadResume } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { copyPack } from './copy-pack.ts';
import type { TokenBucket } from './token-bucket.ts';
import type { Staging } from './transfer.ts';

export interface CopyProgress {
  readonly bytesDone: number;
  readonly bytesPerSecond: number;
}

/** The rate is of about this long, so that a stall shows, and what an earlier try left does not count. */
const rateWindowMs = 5_000;

export interface ReplicaCopy {
  /** Copies, and writes down how it ended. Throws only where that could not be written. */
  run(
    target: RegionStore,
    replica: ReplicaRecord,
    bucket: TokenBucket,
    report: (progress: CopyProgress) => void,
  ): Promise<void>;
}

/** The rate over the last seconds, from what is done at which time. */
function rateMeter(clock: Clock): (bytesDone: number) => CopyProgress {
  const samples: { readonly atMs: number; readonly bytesDone: number }[] = [];
  return bytesDone => {
    const atMs = clock();
    samples.push({ atMs, bytesDone });
    while (samples.length > 2 && atMs - (samples[0]?.atMs ?? atMs) > rateWindowMs) samples.shift();
    const [first] = samples;
    const seconds = (atMs - (first?.atMs ?? atMs)) / 1_000;
    const moved = bytesDone - (first?.bytesDone ?? bytesDone);
    return { bytesDone, bytesPerSecond: seconds > 0 ? Math.round(moved / seconds) : 0 };
  };
}

export function createReplicaCopy(options: {
  readonly db: Db;
  readonly stores: RegionStores;
  readonly trust: TrustService;
  readonly staging: Staging;
  readonly masterKey: Uint8Array;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly onEvent: () => void;
  /** The pack of the main store is missing or damaged. */
  readonly onMainDamaged: (packDigest: string) => void;
}): ReplicaCopy {
  const { db, stores, trust, staging, masterKey, clock, logger, signal } = options;

  const sealName = ({ packDigest, regionId }: ReplicaRecord) => `slipway/upload/${regionId}/${packDigest}`;

  /** Null where there is nothing to go on with, or another master key sealed it: the upload begins anew. */
  function openResume(replica: ReplicaRecord): string | null {
    if (replica.resume === null) return null;
    try {
      return openSealed(masterKey, Buffer.from(replica.resume, 'base64'), sealName(replica)).toString('utf8');
    } catch (error) {
      logger.warn('replica.resume_unreadable', { packDigest: replica.packDigest, error });
      return null;
    }
  }

  const resumeOf = (replica: ReplicaRecord): UploadResume => ({
    state: openResume(replica),
    save: async state => {
      const sealed = seal(masterKey, Buffer.from(state, 'utf8'), sealName(replica)).toString('base64');
      await updateReplica(db, replica, { resume: sealed });
    },
  });

  async function record(
    replica: ReplicaRecord,
    type: 'replica.started' | 'replica.verified' | 'replica.failed',
    at: number,
    data: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    await appendEvent(db, { type, at, subjectId: replica.regionId, data: { packDigest: replica.packDigest, ...data } });
    options.onEvent();
  }

  async function copy(
    target: RegionStore,
    replica: ReplicaRecord,
    bucket: TokenBucket,
    report: (progress: CopyProgress) => void,
  ): Promise<void> {
    const pack = await findPack(db, replica.packDigest);
    if (!pack) throw new DomainError('not_found', `Pack ${replica.packDigest} is not in the database any more.`);
    // Its row was chosen before the pack was reclaimed, and went with that; from `copying` on it is not reclaimed.
    if (pack.reclaimedAt !== null) return;
    const holders = await listHolders(db, pack.digest);
    const others = (await stores.regional()).filter(
      ({ region }) => holders.has(region.id) && region.id !== replica.regionId,
    );
    const meter = rateMeter(clock);
    let [bytesSent, bytesRead] = [0, 0];
    try {
      const proven = await copyPack({
        db,
        trust: trust.current,
        main: stores.main,
        others: others.map(({ store }) => store),
        region: target.store,
        pack,
        isKnownWrong: replica.status === 'stale',
        staging,
        signal,
        resume: resumeOf(replica),
        throttle: bytes => bucket.take(bytes, signal),
        onSent: bytes => {
          bytesSent += bytes;
        },
        onRead: bytes => {
          bytesRead += bytes;
        },
        onProgress: bytesDone => report(meter(bytesDone)),
      });
      const now = clock();
      await writeAudit(db, { ...keyOf(replica), ...proven, lookedAt: now, provenAt: now });
      await updateReplica(db, replica, {
        status: 'verified',
        verifiedAt: now,
        bytesDone: pack.sizeBytes,
        attempts: 0,
        error: null,
        resume: null,
      });
    } finally {
      await addTraffic(db, replica.regionId, clock(), { bytesSent, bytesRead });
    }
  }

  async function fail(target: RegionStore, replica: ReplicaRecord, error: unknown, bytesDone: number): Promise<void> {
    if (signal.aborted) {
      await updateReplica(db, replica, { status: 'pending', bytesDone, error: replica.error });
      return;
    }
    const failure =
      error instanceof DomainError ? error : new DomainError('internal', `The copy failed: ${messageOf(error)}.`);
    if (failure.code === 'internal') logger.error('replica.failed_unexpectedly', { ...keyOf(replica), error });
    const now = clock();
    const attempts = replica.attempts + 1;
    const waitMs = replicaWaitMs({
      code: failure.code,
      failures: attempts,
      retryAfterMs: retryAfterOf(failure.details),
      random: Math.random(),
    });
    const text = errorToJson(failure);
    await updateReplica(db, replica, {
      status: 'failed',
      attempts,
      bytesDone,
      nextAttemptAt: now + waitMs,
      error: text,
    });
    if (isOfRegion(failure.code)) await postponeReplicas(db, replica.regionId, now + waitMs);
    if (failure.code.startsWith('store.')) await updateRegion(db, target.region.id, { error: text });
    // Every try is no news: what is wrong is told once, until it is something else.
    if (errorFromJson(replica.error)?.code !== failure.code) {
      await record(replica, 'replica.failed', now, { code: failure.code, message: failure.message, attempts });
    }
    if (failure.details.source === 'main') options.onMainDamaged(replica.packDigest);
  }

  return {
    async run(target, replica, bucket, report) {
      const startedAt = clock();
      const isRetry = replica.error !== null;
      let bytesDone = replica.bytesDone;
      try {
        await updateReplica(db, replica, { status: 'copying', startedAt, error: null });
        if (!isRetry) await record(replica, 'replica.started', startedAt);
        await copy(target, replica, bucket, progress => {
          bytesDone = progress.bytesDone;
          report(progress);
        });
      } catch (error) {
        await fail(target, replica, error, bytesDone);
        return;
      }
      if (isRetry) await record(replica, 'replica.started', startedAt);
      const now = clock();
      await record(replica, 'replica.verified', now, { durationMs: now - startedAt, sizeBytes: replica.bytesTotal });
      if (target.region.error === null) return;
      // What kept one copy away kept them all: they need not wait for their time.
      await updateRegion(db, target.region.id, { error: null });
      await expediteReplicas(db, target.region.id);
    },
  };
}

function keyOf({ packDigest, regionId }: ReplicaRecord) {
  return { packDigest, regionId };
}
