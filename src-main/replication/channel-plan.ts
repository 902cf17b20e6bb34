/** Owns what each channel's documents should say in every store, read from the database once for all of them. */

import type { Pointer } from '../contract/documents.ts';
import type { ReplicaStatus } from '../contract/views/region.ts';
import { type BuildWithPack, findBuild, listDeltaPacks } from '../database/builds.ts';
import type { Db } from '../database/open-database.ts';
import { listReplicas } from '../database/regions.ts';
import { type ChannelRecord, findRelease, listChannels, type ReleaseRecord } from '../database/releases.ts';
import type { ChannelEnvironments } from '../releases/channel-environment.ts';
import type { PointerService } from '../releases/pointer-service.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface PlannedChannel {
  readonly channel: ChannelRecord;
  readonly release: ReleaseRecord;
  readonly build: BuildWithPack;
  readonly deltas: readonly string[];
  /** The machines that are asked to check what they run. */
  readonly repairs: Pointer['repairs'];
}

export interface PlanParts {
  readonly environments: ChannelEnvironments;
  readonly pointers: Pick<PointerService, 'repairs'>;
  readonly logger: Logger;
}

export interface ChannelPlan {
  readonly channels: readonly PlannedChannel[];
  /** The status of the copies that the channels wait for. */
  statusOf(packDigest: string, regionId: string): ReplicaStatus | null;
}

/** The channels that have a release, each encrypted anew where its machines changed. One that cannot be read holds up no other. */
export async function planChannels(db: Db, { environments, pointers, logger }: PlanParts): Promise<ChannelPlan> {
  const channels: PlannedChannel[] = [];
  for (const channel of await listChannels(db)) {
    try {
      const current = channel.currentReleaseId ? await findRelease(db, channel.currentReleaseId) : null;
      const build = current ? await findBuild(db, current.buildId) : null;
      if (!current || !build) continue;
      const release = await environments.refresh(channel, current);
      const deltas = (await listDeltaPacks(db, build.artifactId)).map(({ digest }) => digest);
      channels.push({ channel, release, build, deltas, repairs: await pointers.repairs(channel) });
    } catch (error) {
      logger.error('channel.not_planned', { channel: channel.name, error });
    }
  }
  const digests = new Set(channels.flatMap(({ build, deltas }) => [build.packDigest, ...deltas]));
  const statuses = new Map<string, ReplicaStatus>();
  for (const { packDigest, regionId, status } of await listReplicas(db, [...digests])) {
    statuses.set(`${packDigest} ${regionId}`, status);
  }
  return { channels, statusOf: (packDigest, regionId) => statuses.get(`${packDigest} ${regionId}`) ?? null };
}

/** Whether a region may have the channel's pointer: its copy is verified, or a person forced it. */
export function mayPublish({ release, build, deltas }: PlannedChannel, regionId: string, plan: ChannelPlan): boolean {
  if (release.forced === 1) return true;
  if (plan.statusOf(build.packDigest, regionId) !== 'verified') return false;
  // Its deltas are waited for too, which are on their way: machines that came first would fetch all of it. One that fails is not.
  return deltas.every(digest => !['pending', 'copying'].includes(plan.statusOf(digest, regionId) ?? 'none'));
}
