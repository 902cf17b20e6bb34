/** Owns what is done with jobs that run: claimed, ended, taken from a lost worker. Each function runs inside a transaction. */
import { DomainError } from '../../contract/errors.ts';
import type { JobStatus, LossView } from '../../contract/views/job.ts';
import { afterFailure, longestRetryMs } from '../../domain/job-retry.ts';
import { afterLostWorker } from '../../domain/job-states.ts';
import { fenced, type JobRecord, type LossEvidence, type QueueRequests, type QueueResults } from '../job-queue.ts';
import type { JobStatements } from './job-statements.ts';
import { mustFind } from './queued-jobs.ts';

export function claim(statements: JobStatements, { worker, now }: QueueRequests['claim']): JobRecord | null {
  const job = statements.claim.get(worker.id, now, now, now, now + longestRetryMs);
  if (!job) return null;
  statements.appendNotedEvent({
    type: 'job.started',
    at: now,
    repositoryId: job.repositoryId,
    jobId: job.id,
    subjectId: worker.id,
    data: { attempt: job.attempt, worker: worker.name },
  });
  return job;
}

/** What a failed attempt becomes, and when it may run again. */
function nextOf(statements: JobStatements, { token, status, error, now, random }: QueueRequests['finish']) {
  if (status !== 'failed' || error === null) return { status, notBefore: 0 };
  const running = statements.findRunning().get({ ...token });
  if (!running) throw fenced(token);
  const next = afterFailure({
    error,
    retriesDone: running.automaticRetries,
    retryLimit: running.retryLimit,
    cancelRequested: running.cancelRequestedAt !== null,
    ranOnceOnlyStep: statements.onceOnlyStep().get(token.jobId, token.attempt) !== undefined,
    random,
  });
  return next.status === 'queued' ? { status: next.status, notBefore: now + next.delayMs } : { status, notBefore: 0 };
}

export function finish(statements: JobStatements, request: QueueRequests['finish']): JobStatus {
  const { token, now } = request;
  const { jobId, attempt } = token;
  const error = request.error === null ? null : JSON.stringify(request.error);
  const { status, notBefore } = nextOf(statements, request);
  const isRetried = status === 'queued';
  const [finishedAt, retried] = isRetried ? [null, 1] : [now, 0];
  if (isRetried) statements.keepRunning().run(now, request.status, error, jobId, attempt, token.workerId);
  const isLast = isRetried ? 0 : 1;
  const job = statements
    .end()
    .get(status, finishedAt, error, isLast, notBefore, retried, 0, jobId, attempt, token.workerId);
  if (!job) throw fenced(token);
  statements.closeSteps().run(now, jobId, attempt);
  const about = { at: now, repositoryId: job.repositoryId, jobId };
  if (isRetried) {
    const reason = request.error?.message ?? '';
    const data = { attempt, status, reason, error: request.error?.code, retry: job.automaticRetries, notBefore };
    statements.appendNotedEvent({ type: 'job.requeued', ...about, data });
  } else {
    const data = { attempt, status, error: request.error?.code ?? null };
    statements.appendNotedEvent({ type: 'job.finished', ...about, data });
  }
  return status;
}

export function finishAndClaim(
  statements: JobStatements,
  request: QueueRequests['finishAndClaim'],
): QueueResults['finishAndClaim'] {
  const became = finish(statements, request.finish);
  return { became, next: claim(statements, request.claim) };
}

export function release(statements: JobStatements, request: QueueRequests['release']): JobRecord | null {
  const { workerId, evidence, noticedAt: noticedAtMs, now, engineEnding } = request;
  const running = statements.findOfWorker().get(workerId);
  const holdsJob = running ? 1 : 0;
  const stopped = statements.stopWorker().get({ id: workerId, now, exit: JSON.stringify(evidence), holdsJob });
  if (!running && !stopped) return null;
  const job = running ? releaseJob(statements, running, request) : null;
  const { reason } = evidence;
  statements.appendEvent({
    type: engineEnding ? 'worker.changed' : 'worker.lost',
    at: now,
    repositoryId: job?.repositoryId ?? null,
    jobId: job?.id ?? null,
    subjectId: workerId,
    data: { reason, name: stopped?.name ?? null, job: job?.number ?? null, status: job?.status ?? null, noticedAtMs },
  });
  return job;
}

function releaseJob(
  statements: JobStatements,
  running: JobRecord,
  { workerId, evidence, now, engineEnding }: QueueRequests['release'],
): JobRecord {
  const step = statements.runningStep().get(running.id, running.attempt);
  const onceOnly = statements.onceOnlyStep().get(running.id, running.attempt);
  const status = afterLostWorker({
    lostCount: running.lostCount,
    engineEnding,
    cancelRequested: running.cancelRequestedAt !== null,
    ranOnceOnlyStep: onceOnly !== undefined,
  });
  const error = new DomainError('worker.lost', lossMessage(status, evidence, step?.name ?? null, onceOnly?.name), {
    ...evidence,
    step: step?.name ?? null,
  } satisfies LossView);
  const { id, attempt } = running;
  const text = JSON.stringify(error.toView());
  const finishedAt = status === 'queued' ? null : now;
  statements.closeSteps().run(now, id, attempt);
  statements.keepRunning().run(now, 'lost', text, id, attempt, workerId);
  statements.end().get(status, finishedAt, text, 0, 0, 0, engineEnding ? 0 : 1, id, attempt, workerId);
  statements.appendNotedEvent({
    type: status === 'queued' ? 'job.requeued' : 'job.finished',
    at: now,
    repositoryId: running.repositoryId,
    jobId: running.id,
    subjectId: workerId,
    data: { attempt: running.attempt, status, reason: evidence.reason },
  });
  return mustFind(statements, running.id);
}

function lossMessage(status: string, evidence: LossEvidence, step: string | null, onceOnly = ''): string {
  const where = step === null ? '' : ` during "${step}"`;
  const what = `The worker was lost${where}: ${evidence.reason}.`;
  switch (status) {
    case 'queued':
      return `${what} The job is back at its place in the queue.`;
    case 'interrupted':
      return `${what} ${onceOnly === step ? 'The step' : `"${onceOnly}"`} may have changed something outside; look, then retry.`;
    case 'cancelled':
      return `${what} It had been asked to cancel.`;
    default:
      return `${what} It was lost too often to try again by itself; retry when the cause is gone.`;
  }
}
