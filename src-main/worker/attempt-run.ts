/** Owns what every phase of one attempt shares: its token, log and signal, and how a phase is recorded as a step. */
import { DomainError } from '../contract/errors.ts';
import type { Db } from '../database/open-database.ts';
import type { RepositoryRecord } from '../database/repositories.ts';
import type { Clock } from '../domain/clock.ts';
import type { DataFolder } from '../domain/data-folder.ts';
import { type ClaimedJob, recordStep } from '../queue/attempt.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { JobLog } from './job-log.ts';

export interface AttemptRun {
  readonly db: Db;
  readonly claimed: ClaimedJob;
  readonly repository: RepositoryRecord;
  readonly folder: DataFolder;
  /** Where the attempt may write; removed afterwards. */
  readonly workFolder: string;
  readonly log: JobLog;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly gitPath: string | null;
  /** Tells the engine that the database has news. */
  readonly onChanged: () => void;
}

export interface StepOutcome<Result> {
  readonly result: Result;
  readonly detail: string | null;
  readonly exitCode?: number | null;
}

/** Runs `work` as the step at `position`: its begin, its end and its place in the log are recorded. Throws what `work` throws. */
export async function asStep<Result>(
  run: AttemptRun,
  step: { readonly position: number; readonly name: string },
  work: () => Promise<StepOutcome<Result>>,
): Promise<Result> {
  const { db, claimed, clock, log } = run;
  const { repositoryId } = claimed.job;
  const startedAt = clock();
  run.signal.throwIfAborted();
  const logOffset = log.sizeBytes;
  await log.note(`── ${step.name}`);
  await recordStep(
    db,
    claimed.token,
    repositoryId,
    step.position,
    { status: 'running', startedAt, logOffset },
    { name: step.name, at: startedAt },
  );
  run.onChanged();
  try {
    const outcome = await work();
    const finishedAt = clock();
    await recordStep(
      db,
      claimed.token,
      repositoryId,
      step.position,
      { status: 'succeeded', finishedAt, detail: outcome.detail, exitCode: outcome.exitCode ?? null },
      { name: step.name, at: finishedAt },
    );
    if (outcome.detail) await log.note(outcome.detail);
    return outcome.result;
  } catch (error) {
    if (!(error instanceof DomainError && error.code === 'job.fenced') && !run.signal.aborted) {
      const finishedAt = clock();
      const exitCode = error instanceof DomainError ? error.details.exitCode : null;
      await recordStep(
        db,
        claimed.token,
        repositoryId,
        step.position,
        { status: 'failed', finishedAt, exitCode: typeof exitCode === 'number' ? exitCode : null },
        { name: step.name, at: finishedAt },
      );
    }
    throw error;
  } finally {
    run.onChanged();
  }
}
