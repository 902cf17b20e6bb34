/** Owns how builds are shown. */

import { platformSchema } from '../../contract/documents.ts';
import type { BuildView } from '../../contract/views/build.ts';
import type { BuildWithPack } from '../../database/builds.ts';
import { listReplicas } from '../../database/regions.ts';
import type { Engine } from '../../engine.ts';
import { platformName } from '../../releases/platform.ts';
import { revisionOf } from './job-views.ts';
import { regionsWanted, type Snapshot } from './snapshot.ts';

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
    regionsTotal: regionsWanted(snapshot, build.repositoryId, replicas.length),
    reclaimedAtMs: build.reclaimedAt,
    pinnedAtMs: build.pinnedAt,
  };
}
