/** Owns the queue as a port: its operations, what each is given and what it answers. Knows no database. */
import type { Selectable } from 'kysely';
import { DomainError, type ErrorView } from '../contract/errors.ts';
import type { JobStatus, LossView, RevisionView, Trigger } from '../contract/views/job.ts';
import type { JobsTable } from './tables/jobs.ts';

export type JobRecord = Omit<Selectable<JobsTable>, 'eventCursors' | 'returned'>;

/** Names one attempt of one job; a write under a stale token is refused. */
export interface FencingToken {
  readonly jobId: string;
  readonly attempt: number;
  readonly workerId: string;
}

/** The error of a write under a stale token. */
export function fenced(token: FencingToken): DomainError {
  return new DomainError(
    'job.fenced',
    `Attempt ${token.attempt} of job ${token.jobId} is no longer the one that runs; nothing of it was written.`,
    { ...token },
  );
}

export interface WorkerIdentity {
  readonly id: string;
  readonly name: string;
}

/** What is kept of a worker that was lost: times are not in it, the record of the attempt has them. */
export type LossEvidence = Omit<LossView, 'step'>;

export interface QueueRequests {
  enqueue: {
    /** The new job's. A polled revision's own, by which it is queued once: see `polledJobId`. */
    readonly id: string;
    readonly repositoryId: string;
    readonly revision: RevisionView;
    readonly trigger: Trigger;
    /** Of a manual job alone: its repository's line is served before others, up to and with this job. */
    readonly priority: boolean;
    /** Nothing that an earlier build left is used. */
    readonly withoutCache: boolean;
    readonly seenAtMs: number;
    readonly now: number;
  };
  claim: { readonly worker: WorkerIdentity; readonly now: number };
  finish: {
    readonly token: FencingToken;
    readonly status: 'succeeded' | 'failed' | 'cancelled';
    readonly error: ErrorView | null;
    readonly now: number;
    /** 0 to 1: spreads the times of automatic retries. */
    readonly random: number;
  };
  /** The end of a worker's attempt, and the next job for the same worker. */
  finishAndClaim: { readonly finish: QueueRequests['finish']; readonly claim: QueueRequests['claim'] };
  release: {
    readonly workerId: string;
    readonly evidence: LossEvidence;
    /** When its end was noticed: before what it had left running was ended. */
    readonly noticedAt: number;
    readonly now: number;
    /** The worker was ended by its own engine, which does not count against the job. */
    readonly engineEnding: boolean;
  };
  cancel: { readonly id: string; readonly now: number };
  retry: { readonly id: string; readonly now: number };
  position: { readonly id: string };
}

export interface QueuePosition {
  /** Place in the whole queue, from 1. */
  readonly place: number;
  /** False where more than `countedPlaces` jobs are before it: then `place` is the first place that was not counted. */
  readonly isExact: boolean;
}

/** Further back nobody asks for the very number, and counting on would cost more than it tells. */
export const countedPlaces = 10_000;

export interface QueueResults {
  /** Null where a poll has queued the revision before. */
  enqueue: JobRecord | null;
  /** Null where none may run. */
  claim: JobRecord | null;
  /** What became of the job: `queued` where it is tried again by itself. */
  finish: JobStatus;
  finishAndClaim: { readonly became: QueueResults['finish']; readonly next: QueueResults['claim'] };
  /** Null where the worker had no job. Its loss is told once, in the same transaction. */
  release: JobRecord | null;
  cancel: JobRecord;
  retry: JobRecord;
  /** Null unless the job waits. */
  position: QueuePosition | null;
}

export type QueueOperation = keyof QueueRequests;

/** One call, as it travels to whoever carries it out. */
export type QueueCall<Name extends QueueOperation = QueueOperation> = {
  [Each in Name]: { readonly operation: Each; readonly request: QueueRequests[Each] };
}[Name];

/**
 * Every operation is one transaction of its own, or part of the one that it is called in: its rows, the attempt's, the worker's
 * and the events that tell of it are all written or none. Rules:
 *
 * - Within a repository jobs begin in the order of their numbers, always. A job that goes back keeps its number.
 * - At most `concurrency` jobs of a repository run at once.
 * - Across repositories the lowest number that may run is first. A manual job with priority lifts its repository's line, from
 *   the first waiting job to itself, before the lines that are not lifted: it is early, and still never before an older
 *   revision of its own repository.
 * - While the first waiting job of a repository waits for its time, those behind it wait too. A person who queues a job there
 *   means now: the first one waits no longer.
 * - Where the repository asks for it, a newly polled revision cancels the polled ones that still wait; never what runs, and never
 *   what a person queued.
 * - A write of an attempt names its fencing token; under a stale one it throws `job.fenced` and changes nothing.
 * - `finishAndClaim` is `finish` and then `claim`, both or none: under a stale token nothing is claimed either.
 */
export type QueueImplementation = {
  readonly [Name in QueueOperation]: (request: QueueRequests[Name]) => QueueResults[Name];
};
