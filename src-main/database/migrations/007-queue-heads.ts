/** Owns the schema of the queue's heads: one narrow row per repository that says what a claim may take, kept by triggers. */

/**
 * Recomputed from jobs, never counted up or down, so it cannot drift. Every lookup is a search in a partial index: `min`, `max` and
 * the first row cost O(log n), and the rows that run are at most as many as the cap.
 */
export const recomputeHead = (repositoryId: string) => `
  UPDATE queue_heads SET
    head = (SELECT number FROM jobs WHERE repository_id = ${repositoryId} AND status = 'queued' ORDER BY number LIMIT 1),
    not_before = (SELECT not_before FROM jobs WHERE repository_id = ${repositoryId} AND status = 'queued' ORDER BY number LIMIT 1),
    lifted_to = (SELECT max(number) FROM jobs WHERE repository_id = ${repositoryId} AND status = 'queued' AND priority = 1),
    running = (SELECT count(*) FROM jobs WHERE repository_id = ${repositoryId} AND status = 'running')
  WHERE repository_id = ${repositoryId};`;

export const queueHeads = `
ALTER TABLE repositories ADD COLUMN concurrency INTEGER NOT NULL DEFAULT 1 CHECK (concurrency BETWEEN 1 AND 64);
ALTER TABLE repositories ADD COLUMN supersede INTEGER NOT NULL DEFAULT 0 CHECK (supersede IN (0, 1));
ALTER TABLE repositories ADD COLUMN retry_limit INTEGER NOT NULL DEFAULT 3 CHECK (retry_limit BETWEEN 0 AND 10);

ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0 CHECK (priority = 0 OR (priority = 1 AND trigger = 'manual'));
ALTER TABLE jobs ADD COLUMN not_before INTEGER NOT NULL DEFAULT 0 CHECK (not_before >= 0);
ALTER TABLE jobs ADD COLUMN automatic_retries INTEGER NOT NULL DEFAULT 0 CHECK (automatic_retries >= 0);

-- Each index is a page more that a claim must write; what jobs_queued was for, the heads and jobs_waiting answer.
DROP INDEX jobs_queued;
DROP INDEX jobs_running;
CREATE INDEX jobs_running ON jobs (repository_id) WHERE status = 'running';
CREATE INDEX jobs_waiting ON jobs (repository_id, number) WHERE status = 'queued';
CREATE INDEX jobs_prioritised ON jobs (repository_id, number) WHERE status = 'queued' AND priority = 1;

CREATE TABLE queue_heads (
  repository_id TEXT PRIMARY KEY REFERENCES repositories (id),
  head INTEGER,
  not_before INTEGER,
  lifted_to INTEGER,
  running INTEGER NOT NULL DEFAULT 0,
  cap INTEGER NOT NULL,
  CHECK ((head IS NULL) = (not_before IS NULL))
) STRICT, WITHOUT ROWID;
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
CREATE TRIGGER queue_heads_of_waiting_job AFTER UPDATE OF status, not_before, priority ON jobs
WHEN OLD.status = 'queued' OR NEW.status = 'queued' BEGIN ${recomputeHead('NEW.repository_id')}
END;
CREATE TRIGGER queue_heads_of_running_job AFTER UPDATE OF status ON jobs
WHEN OLD.status <> 'queued' AND NEW.status <> 'queued' AND OLD.status <> NEW.status BEGIN
  UPDATE queue_heads SET running = (SELECT count(*) FROM jobs WHERE repository_id = NEW.repository_id AND status = 'running')
  WHERE repository_id = NEW.repository_id;
END;
CREATE TRIGGER queue_heads_of_gone_job AFTER DELETE ON jobs BEGIN ${recomputeHead('OLD.repository_id')}
END;
`;
