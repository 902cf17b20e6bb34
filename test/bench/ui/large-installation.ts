/** Owns the data of a large installation: real rows through the real schema, in a data folder that an engine then opens. */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { v7 as uuidv7 } from 'uuid';
import type { MachineReport } from '../../../src-main/contract/documents.ts';
import { type Db, openDatabase } from '../../../src-main/database/open-database.ts';
import { dataFolder } from '../../../src-main/domain/data-folder.ts';

export const counts = { jobs: 10_000, repositories: 200, regions: 20, machines: 100 } as const;
/** Builds that are kept of each repository, each in every region. */
const keptBuilds = 4;
/** SQLite takes some 30,000 values in a statement. */
const rowsAtOnce = 400;
const dayMs = 24 * 60 * 60 * 1_000;

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');
const revisionOf = (text: string) => createHash('sha1').update(text).digest('hex');

async function inParts<Row>(rows: readonly Row[], insert: (part: readonly Row[]) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < rows.length; at += rowsAtOnce) await insert(rows.slice(at, at + rowsAtOnce));
}

/** Fills an empty data folder. The engine that opens it has nothing to do: nothing is due, and nothing waits that it could run. */
export async function createLargeInstallation(root: string): Promise<void> {
  const folder = dataFolder(root);
  await mkdir(folder.root, { recursive: true, mode: 0o700 });
  const db = openDatabase(folder.databaseFile, { migrateSchema: true });
  try {
    await fill(db, root, Date.now());
  } finally {
    await db.destroy();
  }
}

async function fill(db: Db, root: string, now: number): Promise<void> {
  const regions = await addRegions(db, root, now);
  const repositories = Array.from({ length: counts.repositories }, (_, index) => ({
    id: uuidv7(),
    name: `service-${String(index).padStart(3, '0')}`,
    vcs: 'git' as const,
    url: `https://git.example.com/team/service-${index}.git`,
    branch: 'main',
    checkupAt: now,
    nextPollAt: now + dayMs,
    pollFailures: 0,
    addedAt: now - 90 * dayMs,
  }));
  await inParts(repositories, part => db.insertInto('repositories').values(part).execute());
  const workerId = uuidv7();
  await db
    .insertInto('workers')
    .values({ id: workerId, name: 'worker 1', pid: 1, startedAt: now - dayMs, checkupAt: now, stoppedAt: now })
    .execute();

  const jobs = Array.from({ length: counts.jobs }, (_, index) => {
    const repository = repositories[index % counts.repositories];
    if (!repository) throw new Error('there is no repository');
    const queuedAt = now - (counts.jobs - index) * 60_000;
    // The newest of each fifth repository failed, and so did one in ten before.
    const failed = index >= counts.jobs - counts.repositories ? index % 5 === 0 : index % 10 === 3;
    return {
      id: uuidv7(),
      repositoryId: repository.id,
      revision: revisionOf(`revision ${index}`),
      subject: `Change ${index}: keep the harbour’s gates in step with the tide`,
      authorName: ['Priya Raman', 'Noor Haddad', 'Jonas Weber', 'Mei Tanaka'][index % 4] ?? '',
      committedAt: queuedAt - 5_000,
      seenAt: queuedAt - 1_000,
      trigger: 'poll' as const,
      status: failed ? ('failed' as const) : ('succeeded' as const),
      queuedAt,
      attempt: 1,
      lostCount: 0,
      workerId,
      startedAt: queuedAt + 500,
      finishedAt: queuedAt + 500 + 20_000 + (index % 60) * 1_000,
      error: failed
        ? JSON.stringify({
            code: 'step.failed',
            message: '"Test" (npm test) ended with exit code 1.',
            details: {},
            retry: 'user',
          })
        : null,
    };
  });
  await inParts(jobs, part => db.insertInto('jobs').values(part).execute());
  await inParts(
    jobs.map(job => ({
      at: job.finishedAt,
      type: 'job.finished',
      repositoryId: job.repositoryId,
      jobId: job.id,
      subjectId: null,
      data: JSON.stringify({ status: job.status, code: job.status === 'failed' ? 'step.failed' : null }),
    })),
    part => db.insertInto('events').values(part).execute(),
  );

  const built = jobs
    .slice(-counts.repositories * (keptBuilds + 1))
    .filter(job => job.status === 'succeeded')
    .map(job => ({ job, id: uuidv7(), digest: digestOf(`pack ${job.id}`), artifactId: digestOf(`tree ${job.id}`) }));
  await inParts(built, part =>
    db
      .insertInto('packs')
      .values(
        part.map(({ job, digest, artifactId }) => ({
          digest,
          artifactId,
          kind: 'full' as const,
          baseArtifactId: null,
          sizeBytes: 48_000_000,
          infoHash: revisionOf(digest),
          storedAt: job.finishedAt,
          crc32c: null,
          md5: null,
        })),
      )
      .execute(),
  );
  await inParts(built, part =>
    db
      .insertInto('builds')
      .values(
        part.map(({ job, id, digest, artifactId }) => ({
          id,
          repositoryId: job.repositoryId,
          jobId: job.id,
          attempt: 1,
          revision: job.revision,
          artifactId,
          packDigest: digest,
          platform: JSON.stringify({ os: 'linux', arch: 'x64', libc: 'glibc' }),
          treeSizeBytes: 160_000_000,
          fileCount: 4_200,
          start: null,
          health: null,
          activation: null,
          migrations: null,
          createdAt: job.finishedAt,
        })),
      )
      .execute(),
  );
  const copies = built.flatMap(build => regions.map(regionId => ({ build, regionId })));
  await inParts(copies, part =>
    db
      .insertInto('replicas')
      .values(
        part.map(({ build, regionId }) => ({
          packDigest: build.digest,
          regionId,
          status: 'verified' as const,
          bytesDone: 48_000_000,
          bytesTotal: 48_000_000,
          attempts: 1,
          nextAttemptAt: 0,
          startedAt: build.job.finishedAt,
          verifiedAt: build.job.finishedAt + 4_000,
          error: null,
        })),
      )
      .execute(),
  );
  const main = await db.selectFrom('regions').select('id').where('isMain', '=', 1).executeTakeFirstOrThrow();
  await inParts(
    [
      ...copies.map(({ build, regionId }) => ({ build, regionId })),
      ...built.map(build => ({ build, regionId: main.id })),
    ],
    part =>
      db
        .insertInto('audits')
        .values(
          part.map(({ build, regionId }) => ({
            regionId,
            packDigest: build.digest,
            packVersion: null,
            documentsVersion: null,
            lookedAt: now,
            provenAt: now,
          })),
        )
        .execute(),
  );
  await addReleases(db, repositories, built, now);
}

async function addRegions(db: Db, root: string, now: number): Promise<readonly string[]> {
  const names = Array.from({ length: counts.regions }, (_, index) => `region-${index + 1}`);
  const rows = await Promise.all(
    names.map(async (name, index) => {
      const path = join(root, '..', 'regions', name);
      await mkdir(path, { recursive: true });
      const isMain = 0 as const;
      return {
        ...{ id: uuidv7(), name, location: `place-${index}`, storeUrl: pathToFileURL(path).href, isMain },
        ...{ latitude: -50 + ((index * 37) % 110), longitude: -170 + index * 17 },
        // Nothing lies in them: an engine that went there would copy for the whole bench.
        ...{ paused: 1 as const, error: null, addedAt: now, removedAt: null },
      };
    }),
  );
  const store = pathToFileURL(dataFolder(root).mainStore).href;
  const main = { name: 'This machine', location: 'main store', storeUrl: store, isMain: 1 as const };
  await db
    .insertInto('regions')
    .values([...rows, { ...rows[0], ...main, id: uuidv7(), latitude: 45, longitude: 0, paused: 0, addedAt: now }])
    .execute();
  return rows.map(row => row.id);
}

interface Built {
  readonly id: string;
  readonly artifactId: string;
  readonly job: { readonly repositoryId: string };
}

/** A channel with a release of the newest build of each repository, and the machines of the first of them. */
async function addReleases(
  db: Db,
  repositories: readonly { readonly id: string }[],
  built: readonly Built[],
  now: number,
): Promise<void> {
  const perRepository = counts.machines / (counts.repositories / 10);
  for (const [index, { id: repositoryId }] of repositories.entries()) {
    const build = built.findLast(one => one.job.repositoryId === repositoryId);
    if (!build) continue;
    const [channelId, releaseId] = [uuidv7(), uuidv7()];
    await db
      .insertInto('channels')
      .values({
        id: channelId,
        repositoryId,
        name: 'production',
        policy: 'manual',
        pausedReason: null,
        frozenReason: null,
      })
      .execute();
    await db
      .insertInto('releases')
      .values({
        ...{ id: releaseId, channelId, serial: 1, buildId: build.id, kind: 'promote' as const, reason: null },
        ...{ previousId: null, environmentVersion: null, environmentDigest: null, migration: null, rollout: null },
        createdAt: now - 60_000,
      })
      .execute();
    await db.updateTable('channels').set({ currentReleaseId: releaseId }).where('id', '=', channelId).execute();
    if (index % 10 !== 0) continue;
    for (let machine = 0; machine < perRepository; machine += 1) {
      await addMachine(db, { repositoryId, releaseId, artifactId: build.artifactId, index: index + machine, now });
    }
  }
}

async function addMachine(
  db: Db,
  of: {
    readonly repositoryId: string;
    readonly releaseId: string;
    readonly artifactId: string;
    readonly index: number;
    readonly now: number;
  },
): Promise<void> {
  const id = uuidv7();
  const region = `region-${1 + (of.index % counts.regions)}`;
  const report: MachineReport = {
    ...{ type: 'slipway.report/v1', machineId: id, repositoryId: of.repositoryId, channel: 'production', sequence: 1 },
    ...{
      name: `app-${of.index}`,
      region,
      agentVersion: '0.1.0',
      platform: { os: 'linux', arch: 'x64', libc: 'glibc' },
    },
    ...{ peers: [], seeding: [], serial: 1, artifactId: of.artifactId, releaseId: of.releaseId, targetSerial: 1 },
    ...{ phase: 'active', progress: null, health: 'healthy', message: null },
    bytes: { peers: 30_000_000, region: 10_000_000, reuse: 120_000_000 },
    ...{ timeline: [{ phase: 'active', atMs: of.now }], kept: [of.artifactId], environmentNames: [] },
    ...{ evidenceSerial: null, drift: null, repairedAtMs: 0, reportedAtMs: of.now },
  };
  await db
    .insertInto('machines')
    .values({
      ...{ id, repositoryId: of.repositoryId, channel: 'production', name: report.name, region, sealedSecret: null },
      ...{ inviteExpiresAt: null, enrolledAt: of.now, publicKey: 'ed25519', ageRecipient: null, revokedAt: null },
      ...{ report: JSON.stringify(report), reportSequence: 1, lastReportAt: of.now, repairRequestedAt: null },
    })
    .execute();
}
