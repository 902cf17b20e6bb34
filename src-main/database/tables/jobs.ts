/** Owns the types of the tables of jobs, of the queue's heads, of attempts, steps and workers. Columns are snake_case in SQL and camelCase here. */

import type { ColumnType, Generated } from 'kysely';
import type { JobStatus, Trigger } from '../../contract/views/job.ts';
import type { Flag, JsonText } from './columns.ts';

export interface JobsTable {
  number: Generated<number>;
  id: string;
  repositoryId: string;
  revision: string;
  subject: string;
  authorName: string;
  committedAt: number | null;
  seenAt: number;
  trigger: Trigger;
  status: ColumnType<JobStatus, JobStatus, JobStatus>;
  queuedAt: number;
  attempt: number;
  lostCount: number;
  /** Who runs it, or ran it last; null while it waits and after its worker was lost. */
  workerId: string | null;
  startedAt: number | null;
  finishedAt: number | null;
  checkupAt: number | null;
  cancelRequestedAt: number | null;
  error: JsonText | null;
  plan: JsonText | null;
  /** Nothing that an earlier build left is used. */
  withoutCache: Generated<Flag>;
  priority: Generated<Flag>;
  /** A waiting job is not claimed before this; 0: at once. */
  notBefore: Generated<number>;
  automaticRetries: Generated<number>;
  /** `,12,15`: the cursors of its events. Written by the queue with the rest of the row, and else by a trigger on events. */
  eventCursors: Generated<string>;
  /** It waits, or waited last, at a place that it had left before. Set by a trigger. */
  returned: Generated<Flag>;
  /** What the newest attempt runs under, once that was decided. */
  isolation: ColumnType<JsonText | null, JsonText | null | undefined, JsonText | null>;
}

/** What a claim may take, one row per repository. Written by triggers on jobs and repositories, and by nobody else. */
export interface QueueHeadsTable {
  repositoryId: string;
  /** The number of the first waiting job. */
  head: number | null;
  /** The head's. */
  notBefore: number | null;
  /** The number of the last waiting job with priority: the line is lifted up to it. */
  liftedTo: number | null;
  /** Jobs before this number that wait have all come back. */
  lineFrom: number;
  running: number;
  cap: number;
  /** Whether fewer run than may. */
  hasRoom: Flag;
  /** `,12,15`: those of the jobs that run. */
  runningNumbers: string;
}

/** A view of what the heads name. */
export interface RunningJobsTable {
  number: number;
}

/** A view of what stands behind the places that the heads name, and of what came back. */
export interface WaitingJobsTable {
  number: number;
  repositoryId: string;
}

/** A view: the newest attempt lies in the row of its job, those before it in a table. */
export interface AttemptsTable {
  jobId: string;
  attempt: number;
  workerId: string;
  workerName: string;
  startedAt: number;
  finishedAt: number | null;
  outcome: 'running' | 'succeeded' | 'failed' | 'cancelled' | 'lost';
  error: JsonText | null;
  /** What it ran under, once that was decided. */
  isolation: JsonText | null;
}

/** Those that a later attempt, or a lost worker, took the place of. */
export interface EarlierAttemptsTable extends AttemptsTable {
  finishedAt: number;
}

/** Logs that are not kept any more. */
export interface ReclaimedLogsTable {
  jobId: string;
  attempt: number;
  at: number;
}

export interface StepsTable {
  jobId: string;
  attempt: number;
  position: number;
  name: string;
  phase: string;
  command: string | null;
  idempotent: Flag;
  status: 'pending' | 'running' | 'succeeded' | 'failed' | 'skipped';
  startedAt: number | null;
  finishedAt: number | null;
  exitCode: number | null;
  logOffset: number | null;
  detail: string | null;
  evidence: JsonText;
}

export interface WorkersTable {
  id: string;
  name: string;
  pid: number;
  startedAt: number;
  checkupAt: number;
  /** Of the process and its descendants: at its last checkup, and the most of the job that it runs or ran last. */
  memoryBytes: number | null;
  peakMemoryBytes: number | null;
  stoppedAt: number | null;
  exit: JsonText | null;
}
