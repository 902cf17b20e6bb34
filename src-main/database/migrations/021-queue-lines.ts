/** Owns the schema of a queue whose waiting lines need no index of their own: the order of a repository's jobs, and where its line begins. */

/** The first that waits: where the line begins, or one that came back to a place before it. */
const first = (repositoryId: string) => `
  (SELECT number, not_before FROM jobs
    WHERE repository_id = ${repositoryId} AND status = 'queued' AND number IN (queue_heads.line_from,
      (SELECT number FROM jobs INDEXED BY jobs_returned WHERE repository_id = ${repositoryId} AND status = 'queued' AND returned = 1
        ORDER BY number LIMIT 1))
    ORDER BY number LIMIT 1)`;

/** What waits, recomputed from jobs. Walks over what left the line since it was last looked at, and over nothing twice. */
export const recomputeHead = (repositoryId: string) => `
  UPDATE queue_heads SET
    line_from = coalesce(
      (SELECT number FROM jobs INDEXED BY jobs_of_repository
        WHERE repository_id = ${repositoryId} AND number >= queue_heads.line_from AND status = 'queued' AND returned = 0
        ORDER BY number LIMIT 1),
      (SELECT max(number) + 1 FROM jobs WHERE repository_id = ${repositoryId}), 0)
  WHERE repository_id = ${repositoryId};
  UPDATE queue_heads SET
    (head, not_before) = ${first(repositoryId)},
    lifted_to = (SELECT max(number) FROM jobs WHERE repository_id = ${repositoryId} AND status = 'queued' AND priority = 1)
  WHERE repository_id = ${repositoryId};`;

const begun = `running = running + 1, running_numbers = running_numbers || ',' || NEW.number, has_room = running + 1 < cap`;

/**
 * Jobs of a repository begin in their order, so those that wait stand behind one place of it, and before it only those that came back:
 * retried, or taken from a lost worker. The place is kept in the repository's head and those few in an index of their own, which is a page
 * less that an enqueueing must write, and one less that a claim must.
 */
export const queueLines = `
ALTER TABLE jobs ADD COLUMN returned INTEGER NOT NULL DEFAULT 0 CHECK (returned = 0 OR returned = 1);
ALTER TABLE queue_heads ADD COLUMN line_from INTEGER NOT NULL DEFAULT 0;

DROP TRIGGER queue_heads_of_new_job;
DROP TRIGGER queue_heads_of_claimed_job;
DROP TRIGGER queue_heads_of_begun_job;
DROP TRIGGER queue_heads_of_waiting_job;
DROP TRIGGER queue_heads_of_gone_job;

UPDATE queue_heads SET line_from = own.line_from
  FROM (SELECT repository_id, max(number) + 1 AS line_from FROM jobs WHERE attempt > 0 GROUP BY repository_id) AS own
  WHERE own.repository_id = queue_heads.repository_id;
UPDATE jobs SET returned = 1
  WHERE status = 'queued' AND number < (SELECT line_from FROM queue_heads WHERE queue_heads.repository_id = jobs.repository_id);
DROP INDEX jobs_waiting;
CREATE INDEX jobs_returned ON jobs (repository_id, number) WHERE status = 'queued' AND returned = 1;

-- A job at the end of a line that is not empty changes nothing of its head; the first where nothing waits begins the line.
CREATE TRIGGER queue_heads_of_new_job AFTER INSERT ON jobs
WHEN NEW.status = 'queued'
  AND (NEW.priority = 1 OR (SELECT head FROM queue_heads WHERE repository_id = NEW.repository_id) IS NULL)
BEGIN
  UPDATE queue_heads SET head = coalesce(head, NEW.number), not_before = coalesce(not_before, NEW.not_before),
      lifted_to = iif(NEW.priority, NEW.number, lifted_to), line_from = iif(head IS NULL, NEW.number, line_from)
    WHERE repository_id = NEW.repository_id;
END;
-- The one that every job goes through computes only what it changes: nothing waits before the head.
CREATE TRIGGER queue_heads_of_claimed_job AFTER UPDATE OF status ON jobs
WHEN OLD.status = 'queued' AND NEW.status = 'running' AND OLD.priority = 0 AND OLD.returned = 0 BEGIN
  UPDATE queue_heads SET line_from = max(line_from, head),
      (head, not_before) = (SELECT number, not_before FROM jobs INDEXED BY jobs_of_repository
        WHERE repository_id = NEW.repository_id AND number >= queue_heads.head AND status = 'queued' ORDER BY number LIMIT 1),
      ${begun}
    WHERE repository_id = NEW.repository_id;
END;
CREATE TRIGGER queue_heads_of_begun_job AFTER UPDATE OF status ON jobs
WHEN NEW.status = 'running' AND OLD.status <> 'running' AND (OLD.status <> 'queued' OR OLD.priority = 1 OR OLD.returned = 1) BEGIN
  UPDATE queue_heads SET ${begun} WHERE repository_id = NEW.repository_id;
END;
CREATE TRIGGER queue_heads_of_waiting_job AFTER UPDATE OF status, not_before, priority ON jobs
WHEN NEW.status = 'queued' OR (OLD.status = 'queued' AND (NEW.status <> 'running' OR OLD.priority = 1 OR OLD.returned = 1)) BEGIN
  UPDATE jobs SET returned = 1 WHERE number = NEW.number AND NEW.status = 'queued' AND OLD.status <> 'queued';
  ${recomputeHead('NEW.repository_id')}
END;
CREATE TRIGGER queue_heads_of_gone_job AFTER DELETE ON jobs BEGIN
  UPDATE queue_heads SET line_from = min(line_from, OLD.number) WHERE repository_id = OLD.repository_id;
  ${recomputeHead('OLD.repository_id')}
END;
${recomputeHead('queue_heads.repository_id')}

-- Line by line; each entry by a search, however many jobs there are that do not wait.
CREATE VIEW waiting_jobs AS
  SELECT jobs.number, jobs.repository_id FROM queue_heads CROSS JOIN jobs INDEXED BY jobs_of_repository
    WHERE queue_heads.head IS NOT NULL AND jobs.repository_id = queue_heads.repository_id AND jobs.number >= queue_heads.line_from
      AND jobs.status = 'queued' AND jobs.returned = 0
  UNION ALL
  SELECT number, repository_id FROM jobs INDEXED BY jobs_returned WHERE status = 'queued' AND returned = 1;
`;
