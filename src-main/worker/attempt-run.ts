/** Owns what every phase of a build shares: its log, signal and steps, and how a phase is recorded; and what an attempt of a job adds. */
import { DomainError } from '../contract/errors.ts';
import type { BuildDefaults, IsolationChoice, IsolationUsed } from '../contract/isolation.ts';
import type { Plan } from '../contract/plan.ts';
import type { StepRecord } from '../database/attempts.ts';
import type { Db } from '../database/open-database.ts';
import type { RepositoryRecord } from '../database/repositories.ts';
import type { Clock } from '../domain/clock.ts';
import type { DataFolder } from '../domain/data-folder.ts';
import type { ClaimedJob, NewStep } from '../queue/attempt.ts';
import type { RemoteAccess } from '../sources/remote-access.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { JobLog } from './job-log.ts';
import { createStepProgress, type StepProgress } from './step-progress.ts';
import type { TestReport } from './test-report.ts';

export type StepChange = Partial<
  Pick<StepRecord, 'status' | 'startedAt' | 'finishedAt' | 'exitCode' | 'logOffset' | 'detail'>
>;

/** Where the steps of a build are kept: the database of an installation, or the memory of a command. */
export interface StepRecorder {
  add(steps: readonly NewStep[], plan: Plan | null): Promise<void>;
  record(position: number, change: StepChange, event: { readonly name: string; readonly at: number }): Promise<void>;
  /** How far a step that runs is, in words for people. */
  progress(position: number, detail: string, event: { readonly name: string; readonly at: number }): Promise<void>;
}

/** What a build is given by whoever wants it. */
export interface IsolationSettings {
  readonly defaults: BuildDefaults;
  /** What a person chose for this repository. */
  readonly repositoryChoice: IsolationChoice | null;
  /** The home folder of its builds; made when it is needed. */
  readonly buildHome: string;
  /** Folders that an isolated build must not see, wherever they lie. */
  readonly hidden: readonly string[];
  /** The label of its containers. */
  readonly jobId: string;
  readonly record: (used: IsolationUsed) => Promise<void>;
}

/** A build, whoever wants it: what the phases between checkout and publishing need. */
export interface BuildRun {
  readonly recorder: StepRecorder;
  /** Where the build may write; removed afterwards. */
  readonly workFolder: string;
  readonly log: JobLog;
  /** Where the tests of its steps are listed; null where nobody keeps them. */
  readonly tests: TestReport | null;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** By which the processes of its steps are found again. */
  readonly workerId: string;
  readonly isolation: IsolationSettings;
  /** Whether a store keeps packs' MD5. */
  readonly wantsMd5?: boolean;
  /** Null where the tree belongs to no branch. */
  readonly branch: string | null;
  /** What changed since the last build, as paths; null where that is not known. */
  readonly changedPaths: () => Promise<readonly string[] | null>;
  /** Called while a phase of Slipway itself goes on; left out where nobody watches. */
  readonly onProgress?: () => void;
}

export interface AttemptRun extends BuildRun {
  readonly db: Db;
  readonly claimed: ClaimedJob;
  readonly repository: RepositoryRecord;
  readonly folder: DataFolder;
  readonly logger: Logger;
  readonly gitPath: string | null;
  /** How private repositories are opened. */
  readonly access: RemoteAccess;
  /** Tells the engine that the database has news. */
  readonly onChanged: () => void;
}

export interface StepOutcome<Result> {
  readonly result: Result;
  readonly detail: string | null;
  readonly exitCode?: number | null;
  /** Nothing had to be done. */
  readonly skipped?: boolean;
}

/** Runs `work` as the step at `position`: its begin, what it reports (in bytes), its end and its place in the log are recorded. Throws what `work` throws. */
export async function asStep<Result>(
  run: Pick<BuildRun, 'recorder' | 'clock' | 'log' | 'signal'>,
  step: { readonly position: number; readonly name: string },
  work: (report: StepProgress['report']) => Promise<StepOutcome<Result>>,
): Promise<Result> {
  const { recorder, clock, log } = run;
  const startedAt = clock();
  run.signal.throwIfAborted();
  const logOffset = log.sizeBytes;
  await log.note(`── ${step.name}`);
  await recorder.record(step.position, { status: 'running', startedAt, logOffset }, { name: step.name, at: startedAt });
  const progress = createStepProgress(clock, text =>
    recorder.progress(step.position, text, { name: step.name, at: clock() }),
  );
  try {
    const outcome = await work(progress.report);
    await progress.settle();
    const finishedAt = clock();
    const status = outcome.skipped ? 'skipped' : 'succeeded';
    await recorder.record(
      step.position,
      { status, finishedAt, detail: outcome.detail, exitCode: outcome.exitCode ?? null },
      { name: step.name, at: finishedAt },
    );
    if (outcome.detail) await log.note(outcome.detail);
    return outcome.result;
  } catch (error) {
    await progress.settle();
    if (!(error instanceof DomainError && error.code === 'job.fenced') && !run.signal.aborted) {
      const finishedAt = clock();
      const { exitCode, stepDetail } = error instanceof DomainError ? error.details : {};
      if (typeof stepDetail === 'string') await log.note(stepDetail);
      await recorder.record(
        step.position,
        {
          status: 'failed',
          finishedAt,
          exitCode: typeof exitCode === 'number' ? exitCode : null,
          // In place of how far it was.
          ...(typeof stepDetail === 'string' ? { detail: stepDetail } : progress.hasTold() ? { detail: null } : {}),
        },
        { name: step.name, at: finishedAt },
      );
    }
    throw error;
  }
}
