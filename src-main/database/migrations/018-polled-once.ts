/** Owns the schema in which one statement queues a polled revision: its job's id says that it is queued once, and its events come with its row. */

/**
 * `polledJobId` makes those ids: UUIDs of version 8, held unique by the key of jobs. The index goes on for the polled jobs that were named
 * before, by UUIDv7: an enqueueing reads it, and writes one page less. A job that is inserted with the cursors of its events has them
 * written with it; whoever leaves them out writes his own.
 */
export const polledOnce = `
DROP INDEX jobs_once;
CREATE UNIQUE INDEX jobs_once ON jobs (repository_id, revision) WHERE trigger IN ('poll', 'added') AND substr(id, 15, 1) <> '8';

CREATE TRIGGER events_of_new_job AFTER INSERT ON jobs WHEN NEW.event_cursors <> '' BEGIN
  INSERT INTO events (at, type, repository_id, job_id, data, in_job) VALUES (NEW.seen_at, 'revision.seen', NEW.repository_id, NEW.id,
    json_object('revision', NEW.revision, 'subject', NEW.subject), 1);
  INSERT INTO events (at, type, repository_id, job_id, data, in_job) VALUES (NEW.queued_at, 'job.queued', NEW.repository_id, NEW.id,
    json_object('revision', NEW.revision, 'subject', NEW.subject), 1);
END;
`;
