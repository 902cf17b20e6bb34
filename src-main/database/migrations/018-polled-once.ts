/** Owns the schema in which one statement queues a polled revision: its job's id says that it is queued once, and its events come with its row. */

/** The SQL of a table with the same check in other words. */
const anyOf = (column: string, values: readonly string[], sql: string) => {
  const list = values.map(value => `''${value}''`);
  const before = `CHECK (${column} IN (${list.join(', ')}))`;
  return `replace(${sql}, '${before}', 'CHECK (${list.map(value => `${column} = ${value}`).join(' OR ')})')`;
};

/**
 * A list of more than two values makes SQLite open a temporary tree for each statement that checks it, at a tenth of an enqueueing's cost;
 * the same check as a chain of comparisons makes none. It changes nothing of what is stored, so that the table's text is all there is to
 * write. Source: sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes", the second procedure.
 *
 * `polledJobId` makes those ids: UUIDs of version 8, held unique by the key of jobs. The index goes on for the polled jobs that were named
 * before, by UUIDv7: an enqueueing reads it, and writes one page less. A job that is inserted with the cursors of its events has them
 * written with it; whoever leaves them out writes his own.
 */
export const polledOnce = `
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = ${anyOf('trigger', ['poll', 'manual', 'added'], anyOf('status', ['queued', 'running', 'succeeded', 'failed', 'cancelled', 'interrupted'], 'sql'))}
  WHERE type = 'table' AND name = 'jobs';
PRAGMA writable_schema = RESET;

DROP INDEX jobs_once;
CREATE UNIQUE INDEX jobs_once ON jobs (repository_id, revision) WHERE trigger IN ('poll', 'added') AND substr(id, 15, 1) <> '8';

CREATE TRIGGER events_of_new_job AFTER INSERT ON jobs WHEN NEW.event_cursors <> '' BEGIN
  INSERT INTO events (at, type, repository_id, job_id, data, in_job) VALUES (NEW.seen_at, 'revision.seen', NEW.repository_id, NEW.id,
    json_object('revision', NEW.revision, 'subject', NEW.subject), 1);
  INSERT INTO events (at, type, repository_id, job_id, data, in_job) VALUES (NEW.queued_at, 'job.queued', NEW.repository_id, NEW.id,
    json_object('revision', NEW.revision, 'subject', NEW.subject), 1);
END;
`;
