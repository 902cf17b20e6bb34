/** Owns the prepared statements of the queue's operations. Each finds its rows by a search, however many rows there are. */
import type BetterSqlite3 from 'better-sqlite3';
import type { EventType } from '../../contract/events.ts';
import type { JobStatus, Trigger } from '../../contract/views/job.ts';
import type { JobRecord } from '../job-queue.ts';
import type { AttemptsTable } from '../tables/jobs.ts';

const jobColumns = `number, id, repository_id AS repositoryId, revision, subject, author_name AS authorName,
  committed_at AS committedAt, seen_at AS seenAt, trigger, status, queued_at AS queuedAt, attempt, lost_count AS lostCount,
  worker_id AS workerId, started_at AS startedAt, finished_at AS finishedAt, checkup_at AS checkupAt,
  cancel_requested_at AS cancelRequestedAt, error, plan, priority, not_before AS notBefore,
  automatic_retries AS automaticRetries, without_cache AS withoutCache, isolation`;

/** Of a polled job that was named before its revision named it. */
export const isNamedByTime = "trigger IN ('poll', 'added') AND substr(id, 15, 1) <> '8'";

/** What the next event is called: cursors are given in order, and never again. */
const nextCursor = `(SELECT coalesce(max(cursor), 0) + 1 FROM events)`;
/** With the row that is written anyway, for the one event that the caller writes next. */
const noteEvent = `event_cursors = event_cursors || ',' || ${nextCursor}`;

/** A job whose pack was reclaimed may be built again, though it succeeded. */
const isReclaimed =
  "(status = 'succeeded' AND (SELECT reclaimed_at FROM builds WHERE job_id = jobs.id ORDER BY attempt DESC LIMIT 1) IS NOT NULL)";

/** The newest attempt of a job becomes an earlier one. */
const keepAttempt = (finishedAt: string, outcome: string, error: string) =>
  `INSERT INTO earlier_attempts (job_id, attempt, worker_id, worker_name, started_at, finished_at, outcome, error, isolation)
    SELECT id, attempt, worker_id, coalesce((SELECT name FROM workers WHERE workers.id = jobs.worker_id), worker_id), started_at,
      ${finishedAt}, ${outcome}, ${error}, isolation FROM jobs`;

/** What of a repository's jobs waits: behind the place where its line begins, and those that came back. */
export const waitingParts = [
  {
    index: 'jobs_of_repository',
    condition: "jobs.number >= queue_heads.line_from AND jobs.status = 'queued' AND jobs.returned = 0",
  },
  { index: 'jobs_returned', condition: "jobs.status = 'queued' AND jobs.returned = 1" },
] as const;

/** How many wait, up to @limit, in the lines that `ofHeads` chooses. */
const countWaiting = (ofHeads: string, ofJobs: string) =>
  `SELECT count(*) AS count FROM (${waitingParts
    .map(
      ({ index, condition }) => `SELECT 1 FROM queue_heads CROSS JOIN jobs INDEXED BY ${index}
    WHERE ${ofHeads} AND jobs.repository_id = queue_heads.repository_id AND ${condition} AND ${ofJobs}`,
    )
    .join(' UNION ALL ')} LIMIT @limit)`;

/** What is inserted; the repository is last, since it may be looked up by more than its id. One that is null lets `OR IGNORE` insert nothing. */
const insertJob = (verb: string, repositoryId: string) => `${verb} INTO jobs
    (id, revision, subject, author_name, committed_at, seen_at, trigger, status, queued_at, priority, without_cache, event_cursors, repository_id)
  VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ',' || ${nextCursor} || ',' || (${nextCursor} + 1), ${repositoryId})`;
export type NewJob = [
  ...[id: string, revision: string, subject: string, authorName: string, committedAt: number | null, seenAt: number],
  ...[trigger: Trigger, queuedAt: number, priority: 0 | 1, withoutCache: 0 | 1],
];

/** What an operation tells of itself. */
interface JobEvent {
  readonly type: EventType;
  readonly at: number;
  readonly repositoryId: string | null;
  readonly jobId: string | null;
  readonly subjectId?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The columns above, in their order. */
type RawJob = [
  ...[number: number, id: string, repositoryId: string, revision: string, subject: string, authorName: string],
  ...[
    committedAt: number | null,
    seenAt: number,
    trigger: Trigger,
    status: JobStatus,
    queuedAt: number,
    attempt: number,
  ],
  ...[lostCount: number, workerId: string | null, startedAt: number | null, finishedAt: number | null],
  ...[checkupAt: number | null, cancelRequestedAt: number | null, error: string | null, plan: string | null],
  ...[priority: 0 | 1, notBefore: number, automaticRetries: number, withoutCache: 0 | 1, isolation: string | null],
];

function jobOf(row: RawJob): JobRecord {
  return {
    number: row[0],
    id: row[1],
    repositoryId: row[2],
    revision: row[3],
    subject: row[4],
    authorName: row[5],
    committedAt: row[6],
    seenAt: row[7],
    trigger: row[8],
    status: row[9],
    queuedAt: row[10],
    attempt: row[11],
    lostCount: row[12],
    workerId: row[13],
    startedAt: row[14],
    finishedAt: row[15],
    checkupAt: row[16],
    cancelRequestedAt: row[17],
    error: row[18],
    plan: row[19],
    priority: row[20],
    notBefore: row[21],
    automaticRetries: row[22],
    withoutCache: row[23],
    isolation: row[24],
  };
}

/** Every text that is run; a test asks SQLite how it would run each of them. */
export const jobStatements = {
  find: `SELECT ${jobColumns} FROM jobs WHERE id = ?`,
  findRepository: `SELECT supersede, seen_revision AS seenRevision FROM repositories WHERE id = ? AND removed_at IS NULL`,
  findPolled: `SELECT 1 FROM jobs WHERE id = ? UNION ALL SELECT 1 FROM jobs WHERE repository_id = ? AND revision = ? AND ${isNamedByTime}`,
  setSeenRevision: `UPDATE repositories SET seen_revision = ? WHERE id = ?`,
  /** With its events, which a trigger writes. */
  insert: insertJob('INSERT', '?'),
  /** A polled revision, where nothing but its job and its events has to be written: else nothing is. */
  insertPolled: insertJob(
    'INSERT OR IGNORE',
    `(SELECT id FROM repositories WHERE id = ? AND removed_at IS NULL AND supersede = 0 AND seen_revision IS NULL
      AND NOT EXISTS (SELECT 1 FROM jobs WHERE repository_id = repositories.id AND revision = ? AND ${isNamedByTime}))`,
  ),
  supersede: `UPDATE jobs SET status = 'cancelled', finished_at = @now, error = @error, not_before = 0
    WHERE number IN (SELECT number FROM waiting_jobs WHERE repository_id = @repositoryId AND number < @number)
      AND trigger IN ('poll', 'added') RETURNING id`,

  claim: `UPDATE jobs SET status = 'running', attempt = attempt + 1, worker_id = ?, started_at = ?, checkup_at = ?,
      error = NULL, cancel_requested_at = NULL, not_before = 0, isolation = NULL, ${noteEvent}
    WHERE number = (
      SELECT head FROM queue_heads INDEXED BY queue_claimable
      WHERE head IS NOT NULL AND has_room = 1 AND (not_before <= ? OR not_before > ?)
      ORDER BY lifted_to IS NULL, head LIMIT 1
    ) RETURNING ${jobColumns}`,
  keepRunning: `${keepAttempt('?', '?', '?')} WHERE id = ? AND attempt = ? AND worker_id = ? AND status = 'running'`,
  keepEnded: `${keepAttempt('finished_at', 'status', 'error')} WHERE id = @id AND worker_id IS NOT NULL AND (status IN ('failed', 'cancelled') OR ${isReclaimed})`,
  stopWorker: `UPDATE workers SET stopped_at = @now, exit = @exit
    WHERE id = @id AND (stopped_at IS NULL OR @holdsJob) RETURNING name`,

  /** Of the attempt that the token names, where it is the one that runs. */
  findRunning: `SELECT jobs.automatic_retries AS automaticRetries, jobs.cancel_requested_at AS cancelRequestedAt,
      repositories.retry_limit AS retryLimit
    FROM jobs JOIN repositories ON repositories.id = jobs.repository_id
    WHERE jobs.id = @jobId AND jobs.attempt = @attempt AND jobs.worker_id = @workerId AND jobs.status = 'running'`,
  findOfWorker: `SELECT ${jobColumns} FROM jobs
    WHERE number IN (SELECT number FROM running_jobs) AND worker_id = ?`,
  end: `UPDATE jobs SET status = ?, finished_at = ?, error = ?, worker_id = iif(?, worker_id, NULL), checkup_at = NULL,
      not_before = ?, automatic_retries = automatic_retries + ?, lost_count = lost_count + ?, ${noteEvent}
    WHERE id = ? AND attempt = ? AND worker_id = ? AND status = 'running'
    RETURNING repository_id AS repositoryId, automatic_retries AS automaticRetries`,
  closeSteps: `UPDATE steps SET status = CASE status WHEN 'running' THEN 'failed' ELSE 'skipped' END,
      finished_at = CASE status WHEN 'running' THEN ? ELSE finished_at END
    WHERE job_id = ? AND attempt = ? AND status IN ('running', 'pending')`,
  runningStep: `SELECT name FROM steps WHERE job_id = ? AND attempt = ? AND status = 'running' ORDER BY position`,
  onceOnlyStep: `SELECT name FROM steps
    WHERE job_id = ? AND attempt = ? AND idempotent = 0 AND status IN ('running', 'succeeded', 'failed')`,

  cancelWaiting: `UPDATE jobs SET status = 'cancelled', finished_at = @now, error = @error, not_before = 0
    WHERE id = @id AND status = 'queued'`,
  askToCancel: `UPDATE jobs SET cancel_requested_at = @now WHERE id = @id AND status = 'running'`,
  retry: `UPDATE jobs SET status = 'queued', queued_at = @now, finished_at = NULL, started_at = NULL, error = NULL, lost_count = 0,
      cancel_requested_at = NULL, not_before = 0, automatic_retries = 0, worker_id = NULL
    WHERE id = @id AND (status IN ('failed', 'cancelled', 'interrupted')
      -- What it made is not kept any more.
      OR ${isReclaimed})`,
  wakeHead: `UPDATE jobs SET not_before = 0 WHERE number = (SELECT head FROM queue_heads WHERE repository_id = @repositoryId AND not_before > @now)`,
  retryNow: `UPDATE jobs SET not_before = 0, automatic_retries = 0 WHERE id = @id AND status = 'queued' AND not_before > @now`,

  /** Waiting jobs of lifted lines whose number is at least @from and below @before. */
  countLifted: countWaiting(
    'queue_heads.lifted_to IS NOT NULL',
    'jobs.number <= queue_heads.lifted_to AND jobs.number >= @from AND jobs.number < @before',
  ),
  /** Waiting jobs whose number is below @number: line by line, which costs as much as they are. */
  countBefore: countWaiting('queue_heads.head < @number', 'jobs.number < @number'),
  liftedTo: 'SELECT lifted_to AS liftedTo FROM queue_heads WHERE repository_id = ?',

  appendEvent: `INSERT INTO events (at, type, repository_id, job_id, subject_id, data, in_job) VALUES (?, ?, ?, ?, ?, ?, ?)`,
} as const;

/** Prepares the statements on a connection, each when it is first needed. */
export function prepareJobStatements(sqlite: BetterSqlite3.Database) {
  const prepare = <Parameters extends unknown[], Row>(sql: string) => {
    let statement: BetterSqlite3.Statement<Parameters, Row> | null = null;
    return () => {
      statement ??= sqlite.prepare<Parameters, Row>(sql);
      return statement;
    };
  };
  /** The row as an array: an object of so many columns costs more than the rest of the call. */
  const prepareJob = <Parameters extends unknown[]>(sql: string) => {
    const statement = prepare<Parameters, RawJob>(sql);
    let raw: BetterSqlite3.Statement<Parameters, RawJob> | null = null;
    return {
      get(...parameters: Parameters): JobRecord | undefined {
        raw ??= statement().raw(true);
        const row = raw.get(...parameters);
        return row && jobOf(row);
      },
    };
  };
  const text = jobStatements;
  type Named = Readonly<Record<string, string | number | null>>;
  const statements = {
    find: prepare<[string], JobRecord>(text.find),
    findRepository: prepare<[string], { supersede: 0 | 1; seenRevision: string | null }>(text.findRepository),
    findPolled: prepare<[string, string, string], unknown>(text.findPolled),
    setSeenRevision: prepare<[string | null, string], never>(text.setSeenRevision),
    insert: prepare<[...NewJob, repositoryId: string], never>(text.insert),
    insertPolled: prepare<[...NewJob, repositoryId: string, revision: string], never>(text.insertPolled),
    supersede: prepare<[Named], { id: string }>(text.supersede),
    claim: prepareJob<[string, number, number, number, number]>(text.claim),
    keepRunning: prepare<[number, AttemptsTable['outcome'], string | null, string, number, string], never>(
      text.keepRunning,
    ),
    keepEnded: prepare<[Named], never>(text.keepEnded),
    stopWorker: prepare<[Named], { name: string }>(text.stopWorker),
    findRunning: prepare<[Named], { automaticRetries: number; cancelRequestedAt: number | null; retryLimit: number }>(
      text.findRunning,
    ),
    findOfWorker: prepare<[string], JobRecord>(text.findOfWorker),
    end: prepare<
      [JobStatus, number | null, string | null, 0 | 1, number, number, number, string, number, string],
      { repositoryId: string; automaticRetries: number }
    >(text.end),
    closeSteps: prepare<[number, string, number], never>(text.closeSteps),
    runningStep: prepare<[string, number], { name: string }>(text.runningStep),
    onceOnlyStep: prepare<[string, number], { name: string }>(text.onceOnlyStep),
    cancelWaiting: prepare<[Named], never>(text.cancelWaiting),
    askToCancel: prepare<[Named], never>(text.askToCancel),
    retry: prepare<[Named], never>(text.retry),
    wakeHead: prepare<[Named], never>(text.wakeHead),
    retryNow: prepare<[Named], never>(text.retryNow),
    countLifted: prepare<[Named], { count: number }>(text.countLifted),
    countBefore: prepare<[Named], { count: number }>(text.countBefore),
    liftedTo: prepare<[string], { liftedTo: number | null }>(text.liftedTo),
  };
  const append = prepare<[number, string, string | null, string | null, string | null, string, 0 | 1], never>(
    text.appendEvent,
  );
  return {
    ...statements,
    appendEvent({ at, type, repositoryId, jobId, subjectId, data }: JobEvent): void {
      append().run(at, type, repositoryId, jobId, subjectId ?? null, JSON.stringify(data), 0);
    },
    /** The event whose cursor the statement before it, a claim or an end, has put into the job's row. */
    appendNotedEvent({ at, type, repositoryId, jobId, subjectId, data }: JobEvent): void {
      append().run(at, type, repositoryId, jobId, subjectId ?? null, JSON.stringify(data), 1);
    },
  };
}
export type JobStatements = ReturnType<typeof prepareJobStatements>;
