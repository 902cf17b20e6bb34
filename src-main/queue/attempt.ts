/** Owns the life of one attempt as the worker writes it: claim, steps, end. Every write carries the fencing token. */
import type { DomainError } from '../contract/errors.ts';
import type { IsolationUsed } from '../contract/isolation.ts';
import type { Plan } from '../contract/plan.ts';
import type { JobStatus, StepView } from '../contract/views/job.ts';
import { insertSteps, type StepRecord, updateStep } from '../database/attempts.ts';
import { appendEvent } from '../database/events.ts';
import type { WorkerIdentity } from '../database/job-queue.ts';
import { assertRunning, type FencingToken, type JobRecord, updateRunningJob } from '../database/jobs.ts';
import { callQueue, type Db, inTransaction } from '../database/open-database.ts';

export interface ClaimedJob {
  readonly job: JobRecord;
  readonly token: FencingToken;
}

const claimedBy = (job: JobRecord, workerId: string): ClaimedJob => ({
  job,
  token: { jobId: job.id, attempt: job.attempt, workerId },
});

/** Claims the next job for a worker, with its attempt, in one transaction; null when none may run. */
export async function claimNextJob(db: Db, worker: WorkerIdentity, now: number): Promise<ClaimedJob | null> {
  const job = await callQueue(db, {
    operation: 'claim',
    request: { worker: { id: worker.id, name: worker.name }, now },
  });
  return job && claimedBy(job, worker.id);
}

export interface NewStep {
  readonly position: number;
  readonly name: string;
  readonly phase: StepView['phase'];
  readonly command: string | null;
  readonly idempotent: boolean;
  readonly evidence: StepView['evidence'];
}

/** Writes the steps of an attempt, and the plan that they come from. Throws `job.fenced`. */
export async function addSteps(
  db: Db,
  token: FencingToken,
  steps: readonly NewStep[],
  plan: Plan | null,
): Promise<void> {
  await inTransaction(db, async transaction => {
    if (plan) await updateRunningJob(transaction, token, { plan: JSON.stringify(plan) });
    else await assertRunning(transaction, token);
    await insertSteps(
      transaction,
      steps.map(step => ({
        ...step,
        jobId: token.jobId,
        attempt: token.attempt,
        idempotent: step.idempotent ? 1 : 0,
        evidence: JSON.stringify(step.evidence),
        status: 'pending' as const,
      })),
    );
  });
}

/** Records what the attempt runs under. Throws `job.fenced`. */
export async function recordIsolation(db: Db, token: FencingToken, used: IsolationUsed): Promise<void> {
  await updateRunningJob(db, token, { isolation: JSON.stringify(used) });
}

/** Records the beginning or the end of a step, with its event. Throws `job.fenced`. */
export async function recordStep(
  db: Db,
  token: FencingToken,
  repositoryId: string,
  position: number,
  change: Partial<Pick<StepRecord, 'status' | 'startedAt' | 'finishedAt' | 'exitCode' | 'logOffset' | 'detail'>>,
  event: { readonly name: string; readonly at: number },
): Promise<void> {
  await inTransaction(db, async transaction => {
    await assertRunning(transaction, token);
    await updateStep(transaction, { jobId: token.jobId, attempt: token.attempt, position }, change);
    await appendEvent(transaction, {
      type: change.status === 'running' ? 'job.step_started' : 'job.step_finished',
      at: event.at,
      repositoryId,
      jobId: token.jobId,
      data: { attempt: token.attempt, position, name: event.name, status: change.status },
    });
  });
}

/** How far a step that runs is, in words. Throws `job.fenced`. */
export async function recordStepProgress(
  db: Db,
  token: FencingToken,
  repositoryId: string,
  position: number,
  detail: string,
  event: { readonly name: string; readonly at: number },
): Promise<void> {
  await inTransaction(db, async transaction => {
    await assertRunning(transaction, token);
    await updateStep(transaction, { jobId: token.jobId, attempt: token.attempt, position }, { detail });
    await appendEvent(transaction, {
      type: 'job.step_progressed',
      at: event.at,
      repositoryId,
      jobId: token.jobId,
      data: { attempt: token.attempt, position, name: event.name, detail },
    });
  });
}

export interface AttemptResult {
  readonly status: 'succeeded' | 'failed' | 'cancelled';
  readonly error: DomainError | null;
  readonly now: number;
  /** Runs in the transaction that ends the attempt, so a build is recorded if and only if its job succeeded. */
  readonly publish?: (transaction: Db) => Promise<void>;
}

/** Runs `end` in one transaction with what the attempt publishes. */
function withPublished<Result>(
  db: Db,
  token: FencingToken,
  publish: AttemptResult['publish'],
  end: (on: Db) => Promise<Result>,
): Promise<Result> {
  if (!publish) return end(db);
  return inTransaction(db, async transaction => {
    // First, so that nothing is published under a stale token.
    await assertRunning(transaction, token);
    await publish(transaction);
    return end(transaction);
  });
}

const finishRequest = (token: FencingToken, { status, error, now }: AttemptResult) => ({
  ...{ token, status, now },
  error: error?.toView() ?? null,
  random: Math.random(),
});

/**
 * Ends the attempt. Returns what became of the job: `queued` where its failure may pass by itself and it is tried again.
 * Throws `job.fenced`.
 */
export function finishJob(db: Db, { token }: ClaimedJob, result: AttemptResult): Promise<JobStatus> {
  return withPublished(db, token, result.publish, on =>
    callQueue(on, { operation: 'finish', request: finishRequest(token, result) }),
  );
}

export interface FinishedAttempt {
  /** `queued` where its failure may pass by itself and it is tried again. */
  readonly became: JobStatus;
  /** Of the same worker; null where none may run. */
  readonly next: ClaimedJob | null;
}

/**
 * Ends the attempt, and claims the next job for the worker that it sets free: one transaction for each job of a worker that has
 * always something to do. Throws `job.fenced`; nothing is claimed then.
 */
export function finishAndClaimNext(
  db: Db,
  { token }: ClaimedJob,
  result: AttemptResult,
  worker: WorkerIdentity,
): Promise<FinishedAttempt> {
  return withPublished(db, token, result.publish, async on => {
    const claim = { worker: { id: worker.id, name: worker.name }, now: result.now };
    const request = { finish: finishRequest(token, result), claim };
    const { became, next } = await callQueue(on, { operation: 'finishAndClaim', request });
    return { became, next: next && claimedBy(next, worker.id) };
  });
}

/** Ends the attempt, and where a worker is named claims its next job in the same transaction. Throws `job.fenced`. */
export async function endAttempt(
  db: Db,
  claimed: ClaimedJob,
  result: AttemptResult,
  nextFor: WorkerIdentity | null,
): Promise<ClaimedJob | null> {
  if (nextFor) return (await finishAndClaimNext(db, claimed, result, nextFor)).next;
  await finishJob(db, claimed, result);
  return null;
}
