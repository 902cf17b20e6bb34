/** Owns how builds and their replicas are shown. */
import type { Engine } from '../../compose.ts';
import { platformSchema } from '../../contract/documents.ts';
import type { BuildView, RegionView, ReplicationView, ReplicaView, VisualState } from '../../contract/views.ts';
import { type BuildWithPack, listBuilds } from '../../database/builds.ts';
import { errorFromJson } from '../../database/json-column.ts';
import { listReplicas, listReplicasOfRegion, type RegionRecord, type ReplicaRecord } from '../../database/regions.ts';
import { platformName } from '../../releases/platform.ts';
import { describeStore } from '../../stores/open-store.ts';
import { revisionOf } from './job-views.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';

export async function buildView(engine: Engine, snapshot: Snapshot, build: BuildWithPack): Promise<BuildView> {
  const replicas = await listReplicas(engine.db, [build.packDigest]);
  return {
    id: build.id,
    jobId: build.jobId,
    repositoryId: build.repositoryId,
    repositoryName: snapshot.repositories.get(build.repositoryId)?.name ?? 'removed',
    revision: revisionOf(build),
    artifactId: build.artifactId,
    packDigest: build.packDigest,
    infoHash: build.infoHash,
    sizeBytes: build.sizeBytes,
    treeSizeBytes: build.treeSizeBytes,
    fileCount: build.fileCount,
    platform: platformName(platformSchema.parse(JSON.parse(build.platform))),
    createdAtMs: build.createdAt,
    regionsVerified: replicas.filter(replica => replica.status === 'verified').length,
    regionsTotal: snapshot.regions.filter(region => region.isMain === 0).length,
    reclaimedAtMs: build.reclaimedAt,
    pinnedAtMs: build.pinnedAt,
  };
}

function replicaView(engine: Engine, now: number, build: BuildWithPack, replica: ReplicaRecord): ReplicaView {
  const live = engine.reconciler.progress(replica.packDigest, replica.regionId);
  const caughtUpAt = replica.status === 'verified' ? (replica.verifiedAt ?? now) : now;
  return {
    packDigest: replica.packDigest,
    buildId: build.id,
    regionId: replica.regionId,
    status: replica.status,
    bytesDone: live?.bytesDone ?? replica.bytesDone,
    bytesTotal: replica.bytesTotal,
    bytesPerSecond: live?.bytesPerSecond ?? null,
    attempts: replica.attempts,
    nextAttemptAtMs: replica.status === 'failed' ? replica.nextAttemptAt : null,
    startedAtMs: replica.startedAt,
    verifiedAtMs: replica.verifiedAt,
    lagMs: Math.max(0, caughtUpAt - build.createdAt),
    error: errorFromJson(replica.error),
  };
}

function regionState(region: RegionRecord, replicas: readonly ReplicaRecord[]): VisualState {
  if (replicas.some(replica => replica.status === 'failed')) return 'failed';
  if (replicas.some(replica => replica.status === 'copying')) return 'running';
  if (replicas.some(replica => replica.status === 'stale')) return 'stale';
  if (replicas.some(replica => replica.status === 'pending')) return region.paused === 1 ? 'stale' : 'pending';
  return 'verified';
}

export async function regionView(engine: Engine, region: RegionRecord): Promise<RegionView> {
  const replicas = await listReplicasOfRegion(engine.db, region.id);
  const verified = replicas.filter(replica => replica.status === 'verified');
  const main = region.isMain === 1 ? await mainTotals(engine) : null;
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
    state: regionState(region, replicas),
    packCount: main?.packCount ?? verified.length,
    bytesStored: main?.bytesStored ?? verified.reduce((sum, replica) => sum + replica.bytesTotal, 0),
    behind: replicas.length - verified.length,
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
