/** Owns the schema of the queue's heads: one narrow row per repository that says what a claim may take, kept by triggers. */

/** The first waiting job. */
const first = (repositoryId: string) =>
  `(SELECT number, not_before FROM jobs WHERE repository_id = ${repositoryId} AND status = 'queued' ORDER BY number LIMIT 1)`;

/**
 * Recomputed from jobs. Every lookup is a search in a partial index: `max` and the first row cost O(log n), and the rows that run are
 * at most as many as the cap.
 */
export const recomputeHead = (repositoryId: string) => `
  UPDATE queue_heads SET
    (head, not_before) = ${first(repositoryId)},
    lifted_to = (SELECT max(number) FROM jobs WHERE repository_id = ${repositoryId} AND status = 'queued' AND priority = 1),
    running = (SELECT count(*) FROM jobs WHERE repository_id = ${repositoryId} AND status = 'running')
  WHERE repository_id = ${repositoryId};`;

export const queueHeads = `
ALTER TABLE repositories ADD COLUMN concurrency INTEGER NOT NULL DEFAULT 1 CHECK (concurrency BETWEEN 1 AND 64);
ALTER TABLE repositories ADD COLUMN supersede INTEGER NOT NULL DEFAULT 0 CHECK (supersede IN (0, 1));
ALTER TABLE repositories ADD COLUMN retry_limit INTEGER NOT NULL DEFAULT 3 CHECK (retry_limit BETWEEN 0 AND 10);

-- Without AUTOINCREMENT, whose table of last numbers is a page more that each new job must write: jobs are never deleted, so the
-- number after the largest has never been given. Source: sqlite.org/autoinc.html
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
  CHECK ((status = 'running') = (worker_id IS NOT NULL)),
  CHECK ((status IN ('queued', 'running')) = (finished_at IS NULL))
) STRICT;
INSERT INTO new_jobs (number, id, repository_id, revision, subject, author_name, committed_at, seen_at, trigger, status, queued_at, attempt,
    lost_count, worker_id, started_at, finished_at, checkup_at, cancel_requested_at, error, plan, without_cache)
  SELECT number, id, repository_id, revision, subject, author_name, committed_at, seen_at, trigger, status, queued_at, attempt,
    lost_count, worker_id, started_at, finished_at, checkup_at, cancel_requested_at, error, plan, without_cache FROM jobs;
DROP TABLE jobs;
ALTER TABLE new_jobs RENAME TO jobs;

-- Each index is a page more that a claim must write.
CREATE UNIQUE INDEX jobs_once ON jobs (repository_id, revision) WHERE trigger IN ('poll', 'added');
CREATE INDEX jobs_of_repository ON jobs (repository_id, number);
CREATE INDEX jobs_running ON jobs (repository_id) WHERE status = 'running';
CREATE INDEX jobs_waiting ON jobs (repository_id, number) WHERE status = 'queued';
CREATE INDEX jobs_prioritised ON jobs (repository_id, number) WHERE status = 'queued' AND priority = 1;

-- With a rowid, so that an entry of the index below is a few bytes, and those of some hundred repositories are one page.
CREATE TABLE queue_heads (
  repository_id TEXT PRIMARY KEY REFERENCES repositories (id),
  head INTEGER,
  not_before INTEGER,
  lifted_to INTEGER,
  running INTEGER NOT NULL DEFAULT 0 CHECK (running >= 0),
  cap INTEGER NOT NULL,
  CHECK ((head IS NULL) = (not_before IS NULL))
) STRICT;
-- All that a claim reads: the repositories that have something to run and room to run it, in the order in which they are served.
CREATE INDEX queue_claimable ON queue_heads (lifted_to IS NULL, head, not_before) WHERE head IS NOT NULL AND running < cap;

INSERT INTO queue_heads (repository_id, cap) SELECT id, concurrency FROM repositories;
${recomputeHead('queue_heads.repository_id')}

CREATE TRIGGER queue_heads_of_repository AFTER INSERT ON repositories BEGIN
  INSERT INTO queue_heads (repository_id, cap) VALUES (NEW.id, NEW.concurrency);
END;
CREATE TRIGGER queue_heads_of_cap AFTER UPDATE OF concurrency ON repositories BEGIN
  UPDATE queue_heads SET cap = NEW.concurrency WHERE repository_id = NEW.id;
END;
-- A job at the end of a line that is not empty changes nothing of its head.
CREATE TRIGGER queue_heads_of_new_job AFTER INSERT ON jobs
WHEN NEW.status = 'running' OR NEW.priority = 1
  OR (NEW.status = 'queued' AND (SELECT head FROM queue_heads WHERE repository_id = NEW.repository_id) IS NULL)
BEGIN ${recomputeHead('NEW.repository_id')}
END;
-- The two that every job goes through compute only what they change.
CREATE TRIGGER queue_heads_of_claimed_job AFTER UPDATE OF status ON jobs
WHEN OLD.status = 'queued' AND NEW.status = 'running' AND OLD.priority = 0 BEGIN
  UPDATE queue_heads SET (head, not_before) = ${first('NEW.repository_id')}, running = running + 1 WHERE repository_id = NEW.repository_id;
END;
CREATE TRIGGER queue_heads_of_ended_job AFTER UPDATE OF status ON jobs
WHEN OLD.status = 'running' AND NEW.status NOT IN ('queued', 'running') BEGIN
  UPDATE queue_heads SET running = running - 1 WHERE repository_id = NEW.repository_id;
END;
CREATE TRIGGER queue_heads_of_waiting_job AFTER UPDATE OF status, not_before, priority ON jobs
WHEN NEW.status = 'queued' OR (OLD.status = 'queued' AND (NEW.status <> 'running' OR OLD.priority = 1))
  OR (NEW.status = 'running' AND OLD.status NOT IN ('queued', 'running')) BEGIN ${recomputeHead('NEW.repository_id')}
END;
CREATE TRIGGER queue_heads_of_gone_job AFTER DELETE ON jobs BEGIN ${recomputeHead('OLD.repository_id')}
END;
`;
