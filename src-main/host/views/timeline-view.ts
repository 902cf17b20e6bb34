/** Owns gathering the times of a repository's revisions, from the commit to each machine. */
import { z } from 'zod';
import { DomainError } from '../../contract/errors.ts';
import type { Timeline } from '../../contract/timeline.ts';
import { findBuildOfJob } from '../../database/builds.ts';
import { listJobs } from '../../database/jobs.ts';
import { firstCursorOf, listReleasesOfBuilds, listSwitches, packStarts } from '../../database/measurements.ts';
import { listReplicas } from '../../database/regions.ts';
import { type RevisionFacts, revisionTimeline, timelineOf } from '../../domain/timeline.ts';
import type { Engine } from '../../engine.ts';
import { takeSnapshot } from './snapshot.ts';

const switchSchema = z.object({ name: z.string(), channel: z.string(), serial: z.number() });

/** The first time at which each machine ran each release: `channel serial` → machine → time. */
async function switchesOf(engine: Engine, repositoryId: string, cursor: number) {
  const switches = new Map<string, Map<string, number>>();
  for (const { at, data } of await listSwitches(engine.db, repositoryId, cursor)) {
    const found = switchSchema.safeParse(JSON.parse(data));
    if (!found.success) continue;
    const release = `${found.data.channel} ${found.data.serial}`;
    const machines = switches.get(release) ?? new Map<string, number>();
    switches.set(release, machines);
    if (!machines.has(found.data.name)) machines.set(found.data.name, at);
  }
  return switches;
}

/** The newest `limit` revisions of a repository. Throws `not_found`. */
export async function timelineView(
  engine: Engine,
  { id, limit }: { readonly id: string; readonly limit: number },
): Promise<Timeline> {
  const { db } = engine;
  const snapshot = await takeSnapshot(engine);
  if (!snapshot.repositories.has(id)) throw new DomainError('not_found', `There is no repository ${id}.`, { id });
  const jobs = await listJobs(db, { repositoryId: id, limit });
  const builds = new Map(await Promise.all(jobs.map(async job => [job.id, await findBuildOfJob(db, job.id)] as const)));
  const made = [...builds.values()].filter(build => build !== null);
  const packed = await packStarts(
    db,
    jobs.map(job => job.id),
  );
  const replicas = await listReplicas(
    db,
    made.map(build => build.packDigest),
  );
  const releases = await listReleasesOfBuilds(
    db,
    made.map(build => build.id),
  );
  const oldest = jobs.at(-1);
  const switches = await switchesOf(engine, id, oldest ? await firstCursorOf(db, oldest.id) : 0);
  const regionNames = new Map(snapshot.regions.map(region => [region.id, region.name]));
  const enrolled = snapshot.machines.filter(machine => machine.repositoryId === id && machine.enrolledAt !== null);

  const factsOf = (job: (typeof jobs)[number]): RevisionFacts => {
    const build = builds.get(job.id) ?? null;
    const ofBuild = releases.filter(release => release.buildId === build?.id);
    // A rollback to it is another way.
    const first = ofBuild.filter(
      (release, index) => ofBuild.findIndex(other => other.channel === release.channel) === index,
    );
    return {
      job: {
        jobId: job.id,
        number: job.number,
        status: job.status,
        revision: {
          revision: job.revision,
          subject: job.subject,
          authorName: job.authorName,
          committedAtMs: job.committedAt,
        },
        seenAt: job.seenAt,
        queuedAt: job.queuedAt,
        startedAt: job.startedAt,
        packStartedAt: packed.get(job.id) ?? null,
        failedAt: build === null ? job.finishedAt : null,
      },
      storedAt: build?.createdAt ?? null,
      regions: replicas
        .filter(replica => replica.packDigest === build?.packDigest)
        .map(({ regionId, verifiedAt, status }) => ({
          name: regionNames.get(regionId) ?? regionId,
          verifiedAt: status === 'verified' ? verifiedAt : null,
        })),
      releases: first.map(({ channel, serial, createdAt }) => {
        const ran = switches.get(`${channel} ${serial}`) ?? new Map<string, number>();
        const current = snapshot.channels.some(
          state =>
            state.channel.repositoryId === id && state.channel.name === channel && state.release?.serial === serial,
        );
        // Machines that came later, or were passed over by the next release, never ran an old one.
        const awaited = current ? enrolled.filter(machine => machine.channel === channel).map(({ name }) => name) : [];
        const names = [...new Set([...ran.keys(), ...awaited])];
        return {
          channel,
          serial,
          createdAt,
          machines: names.map(name => ({ name, switchedAt: ran.get(name) ?? null })),
        };
      }),
    };
  };
  return timelineOf(jobs.map(job => revisionTimeline(factsOf(job))));
}
