/** Owns how a job is shown: summary, detail, and its track. */

import { machineReportSchema } from '../../contract/documents.ts';
import { drillRepositoryId } from '../../contract/drill.ts';
import { DomainError } from '../../contract/errors.ts';
import { isolationUsedSchema } from '../../contract/isolation.ts';
import { evidenceSchema, planSchema } from '../../contract/plan.ts';
import {
  type AttemptView,
  type JobDetail,
  type JobSummary,
  type LossView,
  lossViewSchema,
  type RevisionView,
  type StepView,
  stepViewSchema,
} from '../../contract/views/job.ts';
import type { StageView } from '../../contract/views/state.ts';
import {
  type AttemptRecord,
  listAttempts,
  listSteps,
  listStepsOfJobs,
  type StepRecord,
} from '../../database/attempts.ts';
import { type BuildWithPack, listBuildsOfJobs } from '../../database/builds.ts';
import { findJob, type JobRecord } from '../../database/jobs.ts';
import { errorFromJson, fromJson } from '../../database/json-column.ts';
import type { Db } from '../../database/open-database.ts';
import { listReplicas, type ReplicaRecord } from '../../database/regions.ts';
import { findRepository } from '../../database/repositories.ts';
import { type TrackFacts, trackOf } from '../../domain/track.ts';
import { ordinal } from '../../domain/waiting.ts';
import type { Engine } from '../../engine.ts';
import { logSizeBytes } from './log-view.ts';
import { regionsWanted, type Snapshot, takeSnapshot } from './snapshot.ts';
import { endsAt, waitingOf } from './waiting-view.ts';

export function revisionOf(
  row: Pick<JobRecord, 'revision' | 'subject' | 'authorName' | 'committedAt'> & { readonly repositoryId?: string },
): RevisionView {
  return {
    revision: row.revision,
    subject: row.subject,
    authorName: row.authorName,
    committedAtMs: row.committedAt,
  };
}

/** What the database knows of a job beside its row: the steps of its newest attempt, its build, the build's copies. */
export interface JobFacts {
  readonly steps: readonly StepRecord[];
  readonly build: BuildWithPack | null;
  readonly replicas: readonly ReplicaRecord[];
}

/** The steps of the newest attempt of each of these jobs. */
async function newestSteps(db: Db, jobs: readonly JobRecord[]): Promise<(job: JobRecord) => readonly StepRecord[]> {
  const all = await listStepsOfJobs(
    db,
    jobs.map(job => job.id),
  );
  const steps = Map.groupBy(all, step => `${step.jobId}/${step.attempt}`);
  return job => steps.get(`${job.id}/${job.attempt}`) ?? [];
}

/** The facts of these jobs, read in three statements however many they are. */
export async function jobFacts(db: Db, jobs: readonly JobRecord[]): Promise<(job: JobRecord) => JobFacts> {
  const ids = jobs.map(job => job.id);
  const stepsOf = await newestSteps(db, jobs);
  const builds = await listBuildsOfJobs(db, ids);
  const digests = [...builds.values()].map(build => build.packDigest);
  const replicas = Map.groupBy(await listReplicas(db, digests), replica => replica.packDigest);
  return job => {
    const build = builds.get(job.id) ?? null;
    return {
      steps: stepsOf(job),
      build,
      replicas: build ? (replicas.get(build.packDigest) ?? []) : [],
    };
  };
}

export async function jobSummaries(
  engine: Engine,
  snapshot: Snapshot,
  jobs: readonly JobRecord[],
): Promise<JobSummary[]> {
  const stepsOf = await newestSteps(
    engine.db,
    jobs.filter(job => job.status !== 'succeeded'),
  );
  return Promise.all(jobs.map(job => jobSummary(engine, snapshot, job, { steps: stepsOf(job) })));
}

export async function jobSummary(
  engine: Engine,
  snapshot: Snapshot,
  job: JobRecord,
  { steps }: Pick<JobFacts, 'steps'>,
): Promise<JobSummary> {
  const repository = snapshot.repositories.get(job.repositoryId) ?? (await findRepository(engine.db, job.repositoryId));
  const waiting = job.status === 'queued' ? await waitingOf(engine, snapshot, job) : null;
  const isRunning = job.status === 'running';
  const step = steps.find(candidate => candidate.status === (isRunning ? 'running' : 'failed'));
  return {
    id: job.id,
    number: job.number,
    repositoryId: job.repositoryId,
    repositoryName: repository?.name ?? (job.repositoryId === drillRepositoryId ? 'Crash drill' : 'removed'),
    branch: repository?.branch ?? '',
    revision: revisionOf(job),
    trigger: job.trigger,
    status: job.status,
    attempt: job.attempt,
    workerName: snapshot.workers.find(worker => isRunning && worker.id === job.workerId)?.name ?? null,
    queuedAtMs: job.queuedAt,
    startedAtMs: job.startedAt,
    finishedAtMs: job.finishedAt,
    error: errorFromJson(job.error),
    currentStep: step?.name ?? null,
    position: waiting?.position ?? null,
    waitingFor: waiting?.reason ?? null,
    etaMs: waiting ? waiting.etaMs : job.status === 'running' ? endsAt(snapshot, job) : null,
  };
}

async function noteOf(
  engine: Engine,
  snapshot: Snapshot,
  job: JobRecord,
  steps: readonly StepRecord[],
): Promise<string | null> {
  if (job.status === 'queued') {
    const { position, reason } = await waitingOf(engine, snapshot, job);
    const place = position === null ? 'far back' : ordinal(position);
    // The place says enough of a job whose turn will come; the rest waits for a person or a time.
    switch (reason.kind) {
      case 'paused':
      case 'no_worker':
        return reason.text;
      case 'missing_tool':
        return 'a tool is missing';
      case 'not_before':
        return 'tried again later';
      default:
        return `${place} in line`;
    }
  }
  const failed = steps.find(step => step.status === 'failed');
  if (job.status === 'failed') return failed ? `${failed.name.toLowerCase()} failed` : 'failed';
  return job.status === 'running' || job.status === 'succeeded' ? null : job.status;
}

function regionFacts(engine: Engine, snapshot: Snapshot, { build, replicas }: JobFacts): TrackFacts['regions'] {
  // What was reclaimed is no region's any more, and waits for none.
  const total = build?.reclaimedAt == null ? regionsWanted(snapshot, build?.repositoryId ?? null, replicas.length) : 0;
  const verified = replicas.filter(replica => replica.status === 'verified');
  const live = replicas.map(replica => {
    if (replica.status === 'verified') return replica.bytesTotal;
    return engine.reconciler.progress(replica.packDigest, replica.regionId)?.bytesDone ?? 0;
  });
  const wanted = replicas.reduce((sum, replica) => sum + replica.bytesTotal, 0);
  return {
    total,
    verified: verified.length,
    failed: replicas.filter(replica => replica.status === 'failed').length,
    progress: wanted > 0 ? Math.min(1, live.reduce((sum, bytes) => sum + bytes, 0) / wanted) : null,
    lastVerifiedAt: Math.max(0, ...verified.map(replica => replica.verifiedAt ?? 0)) || null,
  };
}

function releaseFacts(snapshot: Snapshot, build: BuildWithPack | null): TrackFacts['release'] {
  const current = build ? snapshot.channels.filter(({ release }) => release?.buildId === build.id) : [];
  const [first] = current;
  if (!build || !first?.release) return null;
  const serials = new Map(current.map(({ channel, release }) => [channel.name, release?.serial ?? 0]));
  const reports = snapshot.machines
    .filter(machine => machine.repositoryId === build.repositoryId && serials.has(machine.channel))
    .filter(machine => machine.enrolledAt !== null)
    .map(machine => ({ channel: machine.channel, report: fromJson(machineReportSchema, machine.report) }));
  const active = reports.filter(
    ({ channel, report }) => report?.phase === 'active' && report.serial === serials.get(channel),
  );
  const failed = reports.filter(
    ({ channel, report }) =>
      (report?.phase === 'failed' || report?.phase === 'rolled_back') && report.targetSerial === serials.get(channel),
  );
  const switchedAt = active.map(({ report }) => report?.timeline.at(-1)?.atMs ?? 0);
  return {
    createdAt: Math.min(...current.map(({ release }) => release?.createdAt ?? Number.MAX_SAFE_INTEGER)),
    machines: reports.length,
    switched: active.length,
    failed: failed.length,
    lastSwitchedAt: switchedAt.length > 0 ? Math.max(...switchedAt) : null,
  };
}

export async function jobTrack(
  engine: Engine,
  snapshot: Snapshot,
  job: JobRecord,
  facts: JobFacts,
): Promise<StageView[]> {
  const { steps } = facts;
  const build = job.status === 'succeeded' ? facts.build : null;
  const usual = snapshot.usualMs.get(job.repositoryId);
  const elapsed = job.startedAt === null ? 0 : snapshot.now - job.startedAt;
  return trackOf({
    job: {
      status: job.status,
      committedAt: job.committedAt,
      seenAt: job.seenAt,
      queuedAt: job.queuedAt,
      startedAt: job.startedAt,
      finishedAt: job.finishedAt,
      progress: usual ? Math.min(0.99, elapsed / usual) : null,
      note: await noteOf(engine, snapshot, job, steps),
      packStartedAt: steps.find(step => step.phase === 'pack')?.startedAt ?? null,
    },
    storedAt: build?.createdAt ?? null,
    regions: regionFacts(engine, snapshot, build ? facts : { ...facts, build, replicas: [] }),
    release: releaseFacts(snapshot, build),
  });
}

const stepPhase = stepViewSchema.shape.phase;

function stepView(step: StepRecord): StepView {
  return {
    index: step.position,
    name: step.name,
    phase: stepPhase.parse(step.phase),
    command: step.command,
    status: step.status,
    startedAtMs: step.startedAt,
    finishedAtMs: step.finishedAt,
    exitCode: step.exitCode,
    logOffset: step.logOffset,
    detail: step.detail,
    evidence: evidenceSchema.array().parse(JSON.parse(step.evidence)),
  };
}

/** What was kept of a worker's end; null for any other end, and for an attempt that was lost before that was kept. */
function lossOf(attempt: AttemptRecord): LossView | null {
  if (attempt.outcome !== 'lost') return null;
  const loss = lossViewSchema.safeParse(errorFromJson(attempt.error)?.details);
  return loss.success ? loss.data : null;
}

export async function mustFindJob(engine: Engine, id: string): Promise<JobRecord> {
  const job = await findJob(engine.db, id);
  if (!job) throw new DomainError('not_found', `There is no job ${id}.`, { id });
  return job;
}

export async function jobDetail(engine: Engine, id: string): Promise<JobDetail> {
  const job = await mustFindJob(engine, id);
  const snapshot = await takeSnapshot(engine);
  const facts = (await jobFacts(engine.db, [job]))(job);
  const { build } = facts;
  const attempts = await listAttempts(engine.db, id);
  const shown = attempts.at(-1)?.attempt ?? 0;
  return {
    ...(await jobSummary(engine, snapshot, job, facts)),
    steps: (await listSteps(engine.db, id, shown)).map(stepView),
    attempts: attempts.map(
      (attempt): AttemptView => ({
        attempt: attempt.attempt,
        workerName: attempt.workerName,
        startedAtMs: attempt.startedAt,
        finishedAtMs: attempt.finishedAt,
        outcome: attempt.outcome,
        error: errorFromJson(attempt.error),
        isolation: fromJson(isolationUsedSchema, attempt.isolation),
        loss: lossOf(attempt),
      }),
    ),
    track: await jobTrack(engine, snapshot, job, facts),
    plan: fromJson(planSchema, job.plan),
    logSizeBytes: shown > 0 ? await logSizeBytes(engine.folder.jobLog(id, shown)) : 0,
    build: build && {
      id: build.id,
      artifactId: build.artifactId,
      packDigest: build.packDigest,
      sizeBytes: build.sizeBytes,
      treeSizeBytes: build.treeSizeBytes,
      reclaimedAtMs: build.reclaimedAt,
      pinnedAtMs: build.pinnedAt,
    },
  };
}
