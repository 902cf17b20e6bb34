/** Owns the life of one attempt as the worker writes it: claim, steps, end. Every write carries the fencing token. */
import type { DomainError } from '../contract/errors.ts';
import type { IsolationUsed } from '../contract/isolation.ts';
import type { Plan } from '../contract/plan.ts';
import type { StepView } from '../contract/views.ts';
import {
  closeSteps,
  finishAttempt,
  insertAttempt,
  insertSteps,
  type StepRecord,
  setAttemptIsolation,
  updateStep,
} from '../database/attempts.ts';
import { appendEvent } from '../database/events.ts';
import { assertRunning, claimJob, type FencingToken, type JobRecord, updateRunningJob } from '../database/jobs.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { updateWorker } from '../database/workers.ts';

export interface WorkerIdentity {
  readonly id: string;
  readonly name: string;
}

export interface ClaimedJob {
  readonly job: JobRecord;
  readonly token: FencingToken;
}

/** Claims the next job for a worker, with its attempt, in one transaction; null when none may run. */
export async function claimNextJob(db: Db, worker: WorkerIdentity, now: number): Promise<ClaimedJob | null> {
  return inTransaction(db, async transaction => {
    const job = await claimJob(transaction, worker.id, now);
    if (!job) return null;
    await insertAttempt(transaction, {
      jobId: job.id,
      attempt: job.attempt,
      workerId: worker.id,
      workerName: worker.name,
      startedAt: now,
      outcome: 'running',
    });
    await updateWorker(transaction, worker.id, { jobId: job.id });
    await appendEvent(transaction, {
      type: 'job.started',
      at: now,
      repositoryId: job.repositoryId,
      jobId: job.id,
      subjectId: worker.id,
      data: { attempt: job.attempt, worker: worker.name },
    });
    return { job, token: { jobId: job.id, attempt: job.attempt, workerId: worker.id } };
  });
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
  await inTransaction(db, async transaction => {
    await assertRunning(transaction, token);
    await setAttemptIsolation(transaction, token.jobId, token.attempt, JSON.stringify(used));
  });
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

/** Ends the attempt. `publish` runs in the same transaction, so a build is recorded if and only if its job succeeded. Throws `job.fenced`. */
export async function finishJob(
  db: Db,
  claimed: ClaimedJob,
  result: {
    readonly status: 'succeeded' | 'failed' | 'cancelled';
    readonly error: DomainError | null;
    readonly now: number;
    readonly publish?: (transaction: Db) => Promise<void>;
  },
): Promise<void> {
  const { job, token } = claimed;
  const error = result.error ? JSON.stringify(result.error.toView()) : null;
  await inTransaction(db, async transaction => {
    await updateRunningJob(transaction, token, {
      status: result.status,
      finishedAt: result.now,
      error,
      workerId: null,
      checkupAt: null,
    });
    await finishAttempt(transaction, token.jobId, token.attempt, {
      finishedAt: result.now,
      outcome: result.status,
      error,
    });
    await closeSteps(transaction, token.jobId, token.attempt, result.now);
    await updateWorker(transaction, token.workerId, { jobId: null });
    await result.publish?.(transaction);
    await appendEvent(transaction, {
      type: 'job.finished',
      at: result.now,
      repositoryId: job.repositoryId,
      jobId: job.id,
      data: { attempt: token.attempt, status: result.status, error: result.error?.code ?? null },
    });
  });
}
