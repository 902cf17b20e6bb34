/** Owns how regions and their copies are shown. */

import type { RegionView, ReplicationView, ReplicaView } from '../../contract/views/region.ts';
import type { VisualState } from '../../contract/views/state.ts';
import { auditState } from '../../database/audits.ts';
import { type BuildWithPack, listBuilds } from '../../database/builds.ts';
import { errorFromJson } from '../../database/json-column.ts';
import {
  countReplicas,
  listReplicas,
  listReplicasInFlight,
  type RegionRecord,
  type ReplicaRecord,
  regionLag,
} from '../../database/regions.ts';
import { sumTraffic, type TrafficSum } from '../../database/traffic.ts';
import type { Engine } from '../../engine.ts';
import { describeStore } from '../../stores/open-store.ts';
import { buildView } from './build-views.ts';
import { takeSnapshot } from './snapshot.ts';

function replicaView(engine: Engine, now: number, build: BuildWithPack, replica: ReplicaRecord): ReplicaView {
  const live = engine.reconciler.progress(replica.packDigest, replica.regionId);
  const caughtUpAt = replica.status === 'verified' ? (replica.verifiedAt ?? now) : now;
  const isWaiting = replica.status !== 'verified' && replica.status !== 'copying';
  return {
    packDigest: replica.packDigest,
    buildId: build.id,
    regionId: replica.regionId,
    status: replica.status,
    bytesDone: live?.bytesDone ?? replica.bytesDone,
    bytesTotal: replica.bytesTotal,
    bytesPerSecond: live?.bytesPerSecond ?? null,
    attempts: replica.attempts,
    nextAttemptAtMs: isWaiting && replica.nextAttemptAt > now ? replica.nextAttemptAt : null,
    startedAtMs: replica.startedAt,
    verifiedAtMs: replica.verifiedAt,
    lagMs: Math.max(0, caughtUpAt - build.createdAt),
    error: errorFromJson(replica.error),
  };
}

type Counts = ReadonlyMap<ReplicaRecord['status'], { readonly count: number; readonly bytes: number }>;

function regionState(region: RegionRecord, counts: Counts): VisualState {
  if (counts.has('failed')) return 'failed';
  if (counts.has('copying')) return 'running';
  if (counts.has('stale')) return 'stale';
  if (counts.has('pending')) return region.paused === 1 ? 'stale' : 'pending';
  return region.isMain === 1 && region.error !== null ? 'failed' : 'verified';
}

/** What moves now, and how long the rest takes at that rate. */
async function pace(engine: Engine, region: RegionRecord, behindBytes: number) {
  const inFlight = await listReplicasInFlight(engine.db, region.id);
  if (inFlight.length === 0) return { bytesPerSecond: null, etaMs: null };
  const live = inFlight.map(replica => engine.reconciler.progress(replica.packDigest, region.id));
  const bytesPerSecond = live.reduce((sum, progress) => sum + (progress?.bytesPerSecond ?? 0), 0);
  const left = behindBytes - live.reduce((sum, progress) => sum + (progress?.bytesDone ?? 0), 0);
  const etaMs = bytesPerSecond > 0 ? Math.round((Math.max(0, left) / bytesPerSecond) * 1_000) : null;
  return { bytesPerSecond, etaMs };
}

const trafficView = ({ bytesSent, bytesRead }: TrafficSum) => ({ sentBytes: bytesSent, readBytes: bytesRead });

export async function regionView(engine: Engine, region: RegionRecord): Promise<RegionView> {
  const { db } = engine;
  const now = engine.clock();
  const counts: Counts = new Map((await countReplicas(db, region.id)).map(({ status, ...sums }) => [status, sums]));
  const verified = counts.get('verified');
  const waiting = [...counts].filter(([status]) => status !== 'verified').map(([, sums]) => sums);
  const behind = waiting.reduce((sum, { count }) => sum + count, 0);
  const behindBytes = waiting.reduce((sum, { bytes }) => sum + bytes, 0);
  const oldest = behind === 0 ? null : (await regionLag(db, region.id)).oldestStoredAt;
  const main = region.isMain === 1 ? await mainTotals(engine) : null;
  const audit = await auditState(db, region.id);
  return {
    id: region.id,
    name: region.name,
    location: region.location,
    latitude: region.latitude,
    longitude: region.longitude,
    storeUrl: region.storeUrl,
    provider: describeStore(region.storeUrl).label,
    isMain: region.isMain === 1,
    paused: region.paused === 1,
    state: regionState(region, counts),
    packCount: main?.packCount ?? verified?.count ?? 0,
    bytesStored: main?.bytesStored ?? verified?.bytes ?? 0,
    behind,
    behindBytes,
    lagMs: oldest === null ? 0 : Math.max(0, now - oldest),
    ...(await pace(engine, region, behindBytes)),
    limits: {
      concurrency: region.concurrency,
      bytesPerSecond: region.bytesPerSecond,
      auditDays: region.auditDays,
    },
    traffic: {
      today: trafficView(await sumTraffic(db, region.id, now, 1)),
      days30: trafficView(await sumTraffic(db, region.id, now, 30)),
    },
    audit: { lookedAtMs: audit.lookedAt, oldestProofAtMs: audit.oldestProofAt },
    error: errorFromJson(region.error),
  };
}

async function mainTotals(engine: Engine): Promise<{ packCount: number; bytesStored: number }> {
  const row = await engine.db
    .selectFrom('packs')
    .select(({ fn }) => [fn.countAll<number>().as('packCount'), fn.sum<number | null>('sizeBytes').as('bytesStored')])
    .where('reclaimedAt', 'is', null)
    .executeTakeFirstOrThrow();
  return { packCount: row.packCount, bytesStored: row.bytesStored ?? 0 };
}

export async function replicationView(
  engine: Engine,
  query: { readonly repositoryId?: string | undefined; readonly limit: number },
): Promise<ReplicationView> {
  const snapshot = await takeSnapshot(engine);
  const builds = await listBuilds(engine.db, { ...query, kept: true });
  const replicas = await listReplicas(
    engine.db,
    builds.map(build => build.packDigest),
  );
  return {
    regions: await Promise.all(snapshot.regions.map(region => regionView(engine, region))),
    artifacts: await Promise.all(
      builds.map(async build => ({
        ...(await buildView(engine, snapshot, build)),
        replicas: replicas
          .filter(replica => replica.packDigest === build.packDigest)
          .map(replica => replicaView(engine, snapshot.now, build, replica)),
      })),
    ),
  };
}
