/** Owns how releases are shown, and what a promote or rollback would do. */

import { migrationViewSchema } from '../../contract/activation.ts';
import { machineReportSchema } from '../../contract/documents.ts';
import { DomainError } from '../../contract/errors.ts';
import { rolloutSchema } from '../../contract/rollout.ts';
import type { Preflight, ReleaseView } from '../../contract/views/release.ts';
import { type BuildRecord, findBuild } from '../../database/builds.ts';
import { fromJson } from '../../database/json-column.ts';
import { listReplicas } from '../../database/regions.ts';
import { type ChannelRecord, findRelease, listReleases, type ReleaseRecord } from '../../database/releases.ts';
import type { Engine } from '../../engine.ts';
import { migrationsOf } from '../../releases/pointer-service.ts';
import { revisionOf } from './job-views.ts';
import { isSilent } from './machine-views.ts';
import { regionsWanted, type Snapshot, takeSnapshot } from './snapshot.ts';

const shownReleases = 50;

function reportsOf(snapshot: Snapshot, channel: ChannelRecord) {
  return snapshot.machines
    .filter(machine => machine.repositoryId === channel.repositoryId && machine.channel === channel.name)
    .filter(machine => machine.enrolledAt !== null)
    .map(machine => ({ machine, report: fromJson(machineReportSchema, machine.report) }));
}

export async function releaseView(
  engine: Engine,
  snapshot: Snapshot,
  channel: ChannelRecord,
  release: ReleaseRecord,
): Promise<ReleaseView> {
  const build = await findBuild(engine.db, release.buildId);
  if (!build) throw new DomainError('not_found', `Build ${release.buildId} is gone.`, { buildId: release.buildId });
  return {
    id: release.id,
    repositoryId: channel.repositoryId,
    channel: channel.name,
    serial: release.serial,
    kind: release.kind,
    buildId: build.id,
    artifactId: build.artifactId,
    revision: revisionOf(build),
    reason: release.reason,
    forced: release.forced === 1,
    createdAtMs: release.createdAt,
    environmentVersion: release.environmentVersion,
    current: channel.currentReleaseId === release.id,
    migration: fromJson(migrationViewSchema, release.migration),
    rollout: fromJson(rolloutSchema, release.rollout),
    machinesOnIt: reportsOf(snapshot, channel).filter(({ report }) => report?.serial === release.serial).length,
    reclaimedAtMs: build.reclaimedAt,
  };
}

export async function releaseViews(engine: Engine, snapshot: Snapshot, channel: ChannelRecord): Promise<ReleaseView[]> {
  const releases = await listReleases(engine.db, channel.id, shownReleases);
  return Promise.all(releases.map(release => releaseView(engine, snapshot, channel, release)));
}

/** Nothing to say where neither release has values. */
function environmentCheck(from: number | null, to: number | null, machines: number): Preflight['checks'] {
  if (from === null && to === null) return [];
  const title =
    to === null
      ? `It runs without environment ${from}`
      : from === to
        ? `It keeps environment ${to}`
        : from === null
          ? `It runs with environment ${to}`
          : `It runs with environment ${to} instead of ${from}`;
  const detail =
    machines > 0 ? 'encrypted to the machines of this channel' : 'kept sealed, and encrypted to the first machine';
  return [{ state: 'ok', title, detail }];
}

/** Nothing to say of a build whose pack is kept. */
function keptCheck(reclaimedAt: number | null): Preflight['checks'] {
  if (reclaimedAt === null) return [];
  return [
    {
      state: 'blocked',
      title: 'Its pack was reclaimed to free space',
      detail: 'build its revision again, then take the new build',
    },
  ];
}

function frozenCheck({ frozenReason }: ChannelRecord): Preflight['checks'] {
  if (frozenReason === null) return [];
  return [{ state: 'blocked', title: 'The channel is frozen', detail: frozenReason }];
}

/**
 * What happens to the database. Nothing is migrated back, so what is gone back to must run on the schema of now: additions first, and
 * removals only when nothing goes back behind them (expand and contract).
 */
function schemaCheck(
  releases: readonly ReleaseRecord[],
  current: ReleaseRecord | null,
  target: ReleaseRecord | null,
  build: BuildRecord,
): Preflight['checks'] {
  const names = (list: readonly string[]) => list.join(', ');
  if (target === null) {
    const brought = migrationsOf(build) ?? [];
    if (brought.length === 0) return [];
    const title = 'Its migrations run first, on one machine';
    return [{ state: 'ok', title, detail: names(brought.map(migration => migration.name)) }];
  }
  const since = releases
    .filter(release => release.serial > target.serial && release.serial <= (current?.serial ?? 0))
    .flatMap(release => {
      const view = fromJson(migrationViewSchema, release.migration);
      // A failed one may have done half of its work.
      return view === null || view.state === 'pending' || view.state === 'skipped' ? [] : [{ release, view }];
    });
  if (since.length === 0) {
    return [
      { state: 'ok', title: 'The database is as it was for it', detail: `no migration ran since ${target.serial}` },
    ];
  }
  return [
    {
      state: 'warning',
      title: `The database was changed since release ${target.serial} ran`,
      detail: `${since.map(({ release, view }) => `release ${release.serial}: ${names(view.names)} (${view.state})`).join('; ')}. Nothing is migrated back; it must run on the newer schema`,
    },
  ];
}

/** Checks a promote (with a build) or a rollback (without) against what is true now. Changes nothing. */
export async function preflight(
  engine: Engine,
  request: {
    readonly repositoryId: string;
    readonly channel: string;
    readonly buildId?: string | undefined;
    readonly toSerial?: number | undefined;
  },
): Promise<Preflight> {
  const { db, releases } = engine;
  const snapshot = await takeSnapshot(engine);
  const channel = await releases.channel(request.repositoryId, request.channel);
  const target = request.buildId === undefined ? await releases.releaseToReturnTo(channel, request.toSerial) : null;
  const build = await releases.buildToPromote(request.repositoryId, target?.buildId ?? request.buildId);
  const current = channel.currentReleaseId ? await findRelease(db, channel.currentReleaseId) : null;
  const running = current ? await findBuild(db, current.buildId) : null;
  const earlier = target ?? (await listReleases(db, channel.id, 200)).find(release => release.buildId === build.id);
  const next = target
    ? {
        version: target.environmentVersion,
        changes: target.environmentVersion !== (current?.environmentVersion ?? null),
      }
    : await engine.environments.next(channel, current);
  const nextSerial = await releases.nextSerial(channel);

  const replicas = await listReplicas(db, [build.packDigest]);
  const regions = regionsWanted(snapshot, build.repositoryId, replicas.length);
  const verified = replicas.filter(replica => replica.status === 'verified').length;
  const reports = reportsOf(snapshot, channel);
  const keeping = reports.filter(({ report }) => report?.kept.includes(build.artifactId));
  const silent = reports.filter(({ machine }) => isSilent(machine, snapshot.now));

  const checks: Preflight['checks'] = [
    ...keptCheck(build.reclaimedAt),
    ...frozenCheck(channel),
    {
      state: running?.id === build.id && !next.changes ? 'warning' : 'ok',
      title:
        running?.id === build.id
          ? `The channel runs this build already${next.changes ? '; its environment changes' : ''}`
          : 'The build is another than the one that runs',
      detail: `artifact ${build.artifactId.slice(0, 12)}`,
    },
    ...schemaCheck(await listReleases(db, channel.id, 200), current, target, build),
    ...environmentCheck(current?.environmentVersion ?? null, next.version, reports.length),
    {
      state: verified === regions ? 'ok' : 'warning',
      title: `Its artifact is verified in ${verified} of ${regions} regions`,
      detail:
        verified === regions
          ? 'by its digest, or the checksums of the store'
          : 'the others switch when their copy is verified',
    },
    {
      state: 'ok',
      title: `${keeping.length} of ${reports.length} machines still hold it`,
      detail: keeping.length === reports.length && reports.length > 0 ? 'nothing is downloaded' : 'the rest fetch it',
    },
    { state: 'ok', title: `It becomes release ${nextSerial}`, detail: 'agents refuse a serial that does not grow' },
    ...silent.map(({ machine }) => ({
      state: 'warning' as const,
      title: `${machine.name} is silent`,
      detail: 'it follows when it reports again',
    })),
  ];
  return {
    channel: channel.name,
    from: current && running ? { serial: current.serial, revision: revisionOf(running) } : null,
    to: { buildId: build.id, revision: revisionOf(build), releasedAsSerial: earlier?.serial ?? null },
    nextSerial,
    unverifiedRegions: regions - verified,
    checks,
  };
}
