/** Owns the schema of a queue whose operations write few pages: the newest attempt lies in the job's row, running jobs in the heads. */

/** The first waiting job. */
const first = (repositoryId: string) =>
  `(SELECT number, not_before FROM jobs WHERE repository_id = ${repositoryId} AND status = 'queued' ORDER BY number LIMIT 1)`;

/** What waits, recomputed from jobs. Every lookup is a search in a partial index. */
export const recomputeHead = (repositoryId: string) => `
  UPDATE queue_heads SET
    (head, not_before) = ${first(repositoryId)},
    lifted_to = (SELECT max(number) FROM jobs WHERE repository_id = ${repositoryId} AND status = 'queued' AND priority = 1)
  WHERE repository_id = ${repositoryId};`;

const begun = `running = running + 1, running_numbers = running_numbers || ',' || NEW.number, has_room = running + 1 < cap`;

/** What runs, without one job. Where there was room before, the index of what is claimable stays as it is. */
const ended = (job: 'OLD' | 'NEW') => `
  UPDATE queue_heads SET running = running - 1,
      running_numbers = rtrim(replace(running_numbers || ',', ',' || ${job}.number || ',', ','), ',')
    WHERE repository_id = ${job}.repository_id;
  UPDATE queue_heads SET has_room = 1 WHERE repository_id = ${job}.repository_id AND has_room = 0 AND running < cap;`;

/**
 * A commit's cost is its pages, so each of these is one page less of a claim, an end or an enqueueing:
 *
 * - The newest attempt is told by its job's row; `earlier_attempts` keeps those that a later one, or a lost worker, took the place of,
 *   and the view `attempts` shows all. Attempts that ended before this schema stay where they are.
 * - `queue_heads` names the jobs that run, instead of an index; whether there is room is a column of its own, so that an end leaves
 *   the index of what is claimable alone unless there was none.
 * - A repository's current revision is its newest job's; `seen_revision` is kept only where it is another.
 */
export const leanQueue = `
DROP TRIGGER event_of_job;
DROP TRIGGER queue_heads_of_repository;
DROP TRIGGER queue_heads_of_cap;
DROP TABLE queue_heads;

CREATE TABLE new_jobs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  repository_id TEXT NOT NULL REFERENCES repositories (id),
  revision TEXT NOT NULL,
  subject TEXT NOT NULL,
  author_name TEXT NOT NULL,
  committed_at INTEGER,
  seen_at INTEGER NOT NULL,
  trigger TEXT NOT NULL CHECK (trigger IN ('poll', 'manual', 'added')),
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'interrupted')),
  queued_at INTEGER NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
  lost_count INTEGER NOT NULL DEFAULT 0,
  worker_id TEXT,
  started_at INTEGER,
  finished_at INTEGER,
  checkup_at INTEGER,
  cancel_requested_at INTEGER,
  error TEXT,
  plan TEXT,
  without_cache INTEGER NOT NULL DEFAULT 0 CHECK (without_cache IN (0, 1)),
  priority INTEGER NOT NULL DEFAULT 0 CHECK (priority = 0 OR (priority = 1 AND trigger = 'manual')),
  not_before INTEGER NOT NULL DEFAULT 0 CHECK (not_before >= 0),
  automatic_retries INTEGER NOT NULL DEFAULT 0 CHECK (automatic_retries >= 0),
  event_cursors TEXT NOT NULL DEFAULT '',
  isolation TEXT,
  CHECK (status <> 'running' OR worker_id IS NOT NULL),
  CHECK (status NOT IN ('queued', 'interrupted') OR worker_id IS NULL),
  CHECK ((status IN ('queued', 'running')) = (finished_at IS NULL))
) STRICT;
INSERT INTO new_jobs
  SELECT number, id, repository_id, revision, subject, author_name, committed_at, seen_at, trigger, status, queued_at, attempt, lost_count,
    worker_id, started_at, finished_at, checkup_at, cancel_requested_at, error, plan, without_cache, priority, not_before, automatic_retries,
    event_cursors, (SELECT isolation FROM attempts WHERE job_id = jobs.id AND attempts.attempt = jobs.attempt AND jobs.status = 'running')
  FROM jobs;
DROP TABLE jobs;
ALTER TABLE new_jobs RENAME TO jobs;
CREATE UNIQUE INDEX jobs_once ON jobs (repository_id, revision) WHERE trigger IN ('poll', 'added');
CREATE INDEX jobs_of_repository ON jobs (repository_id, number);
CREATE INDEX jobs_waiting ON jobs (repository_id, number) WHERE status = 'queued';
CREATE INDEX jobs_prioritised ON jobs (repository_id, number) WHERE status = 'queued' AND priority = 1;

CREATE TABLE earlier_attempts (
  job_id TEXT NOT NULL REFERENCES jobs (id),
  attempt INTEGER NOT NULL CHECK (attempt > 0),
  worker_id TEXT NOT NULL,
  worker_name TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  finished_at INTEGER NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('succeeded', 'failed', 'cancelled', 'lost')),
  error TEXT,
  isolation TEXT,
  PRIMARY KEY (job_id, attempt)
) STRICT, WITHOUT ROWID;
INSERT INTO earlier_attempts
  SELECT job_id, attempt, worker_id, worker_name, started_at, coalesce(finished_at, started_at), iif(outcome = 'running', 'lost', outcome),
    error, isolation
  FROM attempts
  WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = job_id AND jobs.attempt = attempts.attempt AND jobs.status = 'running');

CREATE TABLE new_steps (
  job_id TEXT NOT NULL REFERENCES jobs (id),
  attempt INTEGER NOT NULL,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  phase TEXT NOT NULL,
  command TEXT,
  idempotent INTEGER NOT NULL CHECK (idempotent IN (0, 1)),
  status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'succeeded', 'failed', 'skipped')),
  started_at INTEGER,
  finished_at INTEGER,
  exit_code INTEGER,
  log_offset INTEGER,
  detail TEXT,
  evidence TEXT NOT NULL,
  PRIMARY KEY (job_id, attempt, position)
) STRICT, WITHOUT ROWID;
INSERT INTO new_steps
  SELECT job_id, attempt, position, name, phase, command, idempotent, status, started_at, finished_at, exit_code, log_offset, detail, evidence
  FROM steps;
DROP TABLE steps;
ALTER TABLE new_steps RENAME TO steps;
DROP TABLE attempts;

-- A job that waits, or whose worker was lost, names no worker: its attempts have all been kept.
CREATE VIEW attempts AS
  SELECT job_id, attempt, worker_id, worker_name, started_at, finished_at, outcome, error, isolation FROM earlier_attempts
  UNION ALL
  SELECT id, attempt, worker_id, coalesce((SELECT name FROM workers WHERE workers.id = jobs.worker_id), worker_id), started_at, finished_at,
    status, error, isolation FROM jobs WHERE worker_id IS NOT NULL AND attempt > 0;

ALTER TABLE repositories RENAME COLUMN current_revision TO seen_revision;

CREATE TABLE queue_heads (
  repository_id TEXT PRIMARY KEY REFERENCES repositories (id),
  head INTEGER,
  not_before INTEGER,
  lifted_to INTEGER,
  running INTEGER NOT NULL DEFAULT 0 CHECK (running >= 0),
  cap INTEGER NOT NULL,
  has_room INTEGER NOT NULL DEFAULT 1 CHECK (has_room IN (0, 1)),
  running_numbers TEXT NOT NULL DEFAULT '',
  CHECK ((head IS NULL) = (not_before IS NULL))
) STRICT;
-- All that a claim reads: the repositories that have something to run and room to run it, in the order in which they are served.
CREATE INDEX queue_claimable ON queue_heads (lifted_to IS NULL, head, not_before) WHERE head IS NOT NULL AND has_room = 1;

CREATE VIEW running_jobs AS
  SELECT value AS number FROM queue_heads, json_each('[' || substr(running_numbers, 2) || ']') WHERE running > 0;

INSERT INTO queue_heads (repository_id, cap) SELECT id, concurrency FROM repositories;
${recomputeHead('queue_heads.repository_id')}
UPDATE queue_heads SET running = own.count, running_numbers = own.numbers, has_room = own.count < cap
  FROM (SELECT repository_id, count(*) AS count, ',' || group_concat(number, ',' ORDER BY number) AS numbers
    FROM jobs WHERE status = 'running' GROUP BY repository_id) AS own
  WHERE own.repository_id = queue_heads.repository_id;

CREATE TRIGGER queue_heads_of_repository AFTER INSERT ON repositories BEGIN
  INSERT INTO queue_heads (repository_id, cap) VALUES (NEW.id, NEW.concurrency);
END;
CREATE TRIGGER queue_heads_of_cap AFTER UPDATE OF concurrency ON repositories BEGIN
  UPDATE queue_heads SET cap = NEW.concurrency, has_room = running < NEW.concurrency WHERE repository_id = NEW.id;
END;

-- A job at the end of a line that is not empty changes nothing of its head.
CREATE TRIGGER queue_heads_of_new_job AFTER INSERT ON jobs
WHEN NEW.status = 'queued'
  AND (NEW.priority = 1 OR (SELECT head FROM queue_heads WHERE repository_id = NEW.repository_id) IS NULL)
BEGIN ${recomputeHead('NEW.repository_id')}
END;
CREATE TRIGGER queue_heads_of_new_running_job AFTER INSERT ON jobs WHEN NEW.status = 'running' BEGIN
  UPDATE queue_heads SET ${begun} WHERE repository_id = NEW.repository_id;
END;
-- The two that every job goes through compute only what they change.
CREATE TRIGGER queue_heads_of_claimed_job AFTER UPDATE OF status ON jobs
WHEN OLD.status = 'queued' AND NEW.status = 'running' AND OLD.priority = 0 BEGIN
  UPDATE queue_heads SET (head, not_before) = ${first('NEW.repository_id')}, ${begun} WHERE repository_id = NEW.repository_id;
END;
CREATE TRIGGER queue_heads_of_ended_job AFTER UPDATE OF status ON jobs WHEN OLD.status = 'running' AND NEW.status <> 'running' BEGIN
  ${ended('NEW')}
END;
CREATE TRIGGER queue_heads_of_begun_job AFTER UPDATE OF status ON jobs
WHEN NEW.status = 'running' AND OLD.status <> 'running' AND (OLD.status <> 'queued' OR OLD.priority = 1) BEGIN
  UPDATE queue_heads SET ${begun} WHERE repository_id = NEW.repository_id;
END;
CREATE TRIGGER queue_heads_of_waiting_job AFTER UPDATE OF status, not_before, priority ON jobs
WHEN NEW.status = 'queued' OR (OLD.status = 'queued' AND (NEW.status <> 'running' OR OLD.priority = 1))
BEGIN ${recomputeHead('NEW.repository_id')}
END;
CREATE TRIGGER queue_heads_of_gone_job AFTER DELETE ON jobs BEGIN ${recomputeHead('OLD.repository_id')}
END;
CREATE TRIGGER queue_heads_of_gone_running_job AFTER DELETE ON jobs WHEN OLD.status = 'running' BEGIN ${ended('OLD')}
END;

-- Kept by a trigger, so that no writer can forget it. The operations that write the job's row anyway write the cursor with it, and say so.
ALTER TABLE events ADD COLUMN in_job INTEGER NOT NULL DEFAULT 0 CHECK (in_job IN (0, 1));
CREATE TRIGGER event_of_job AFTER INSERT ON events WHEN NEW.job_id IS NOT NULL AND NEW.in_job = 0 BEGIN
  UPDATE jobs SET event_cursors = event_cursors || ',' || NEW.cursor WHERE id = NEW.job_id;
END;
`;
