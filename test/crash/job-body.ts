/**
 * Owns what a job of a crash history does, in the place of the worker's own `runJob`: the same writes to the queue in the same
 * order around a real step in a real shell, and a build recorded in the transaction that ends the job. Left out on purpose are
 * checkout, planning and packing: with them a build takes 0.35 s, so that 20,000 of them would take hours, and none of them
 * writes to the queue otherwise than a step does.
 */
import { tmpdir } from 'node:os';
import { DomainError, messageOf } from '../../src-main/contract/errors.ts';
import { workerVariable } from '../../src-main/domain/worker-variable.ts';
import { runStep } from '../../src-main/process/run-step.ts';
import type { EndedJob, JobContext } from '../../src-main/worker/run-job.ts';
import { folderVariable, placesIn } from './places.ts';
import { addSteps, type ClaimedJob, endAttempt, oneStep, publishBuild, recordStep } from './queue-under-test.ts';
import { appendCommand, appendLine, type SideEntry } from './side-log.ts';

const stepTimeoutMs = 60_000;
/** From the interrupt to the kill; a step of these jobs needs no time to clean up. */
const graceMs = 1_000;

/** Runs a claimed job to its end, and records the end. */
export async function runJob(context: JobContext): Promise<EndedJob> {
  const { db, claimed, clock, nextFor } = context;
  let next: ClaimedJob | null = null;
  try {
    await build(context);
    next = await endAttempt(
      db,
      claimed,
      { status: 'succeeded', error: null, now: clock(), publish: publishBuild(claimed, clock()) },
      nextFor(),
    );
    appendLine(sideLog(), `published ${claimed.job.id} ${claimed.token.attempt}`);
  } catch (error) {
    const failure = failureOf(error, context.signal);
    if (failure.code === 'job.fenced') return { next, tidied: Promise.resolve() };
    const status = failure.code === 'job.cancelled' ? 'cancelled' : 'failed';
    next = await endAttempt(db, claimed, { status, error: failure, now: clock() }, nextFor());
  } finally {
    context.onChanged();
  }
  return { next, tidied: Promise.resolve() };
}

async function build({ db, claimed, clock, signal, onChanged }: JobContext): Promise<void> {
  const { job, token } = claimed;
  const event = () => ({ name: oneStep.name, at: clock() });
  await addSteps(db, token, [oneStep], null);
  onChanged();
  await recordStep(db, token, job.repositoryId, 0, { status: 'running', startedAt: clock() }, event());
  const line = (what: SideEntry['what']) => appendCommand(sideLog(), { what, jobId: job.id, attempt: token.attempt });
  const { outcome, exitCode } = await runStep({
    commandLine: line('began') + line('ended'),
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, [workerVariable]: token.workerId },
    onOutput: () => undefined,
    signal,
    timeoutMs: stepTimeoutMs,
    graceMs,
  });
  signal.throwIfAborted();
  const succeeded = outcome === 'exited' && exitCode === 0;
  const change = { status: succeeded ? ('succeeded' as const) : ('failed' as const), finishedAt: clock(), exitCode };
  await recordStep(db, token, job.repositoryId, 0, change, event());
  if (!succeeded) throw new DomainError('step.failed', `The step ended with ${exitCode}.`);
}

function sideLog(): string {
  const folder = process.env[folderVariable];
  if (!folder) throw new Error(`${folderVariable} is not set`);
  return placesIn(folder).sideLog;
}

function failureOf(error: unknown, signal: AbortSignal): DomainError {
  if (signal.aborted && signal.reason instanceof DomainError) return signal.reason;
  return error instanceof DomainError ? error : new DomainError('internal', messageOf(error));
}
