/** Owns the schema of a job's events: each job names the cursors of its own, so that an event is one page and no index. */

/**
 * A page of an index per event was most of what a claim wrote. `event_cursors` lies in the job's row, which a claim and an end write
 * anyway: `,12,15`, in the order in which they were written. Kept by a trigger, so that no writer can forget it.
 */
export const eventCursors = `
CREATE TABLE new_events (
  cursor INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  type TEXT NOT NULL,
  repository_id TEXT,
  job_id TEXT,
  subject_id TEXT,
  data TEXT NOT NULL
) STRICT;
INSERT INTO new_events (cursor, at, type, repository_id, job_id, subject_id, data)
  SELECT cursor, at, type, repository_id, job_id, subject_id, data FROM events;
UPDATE jobs SET event_cursors = own.cursors
  FROM (SELECT job_id, ',' || group_concat(cursor, ',' ORDER BY cursor) AS cursors FROM events WHERE job_id IS NOT NULL GROUP BY job_id) AS own
  WHERE own.job_id = jobs.id;
DROP TABLE events;
ALTER TABLE new_events RENAME TO events;

CREATE TRIGGER event_of_job AFTER INSERT ON events WHEN NEW.job_id IS NOT NULL BEGIN
  UPDATE jobs SET event_cursors = event_cursors || ',' || NEW.cursor WHERE id = NEW.job_id;
END;

-- Which job a worker runs is said by the job.
ALTER TABLE workers DROP COLUMN job_id;
`;
