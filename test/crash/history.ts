/**
 * Owns the history that a run left behind, as plain rows: read from the database file and the logs beside it, with none of
 * the product's code, so that an error there cannot hide itself.
 */
import BetterSqlite3 from 'better-sqlite3';
import { z } from 'zod';
import { placesIn } from './places.ts';
import { readLines, readSideLog, type SideEntry } from './side-log.ts';

const jobSchema = z.object({
  number: z.number(),
  id: z.string(),
  repository_id: z.string(),
  revision: z.string(),
  status: z.string(),
  attempt: z.number(),
});
const attemptSchema = z.object({ job_id: z.string(), attempt: z.number(), outcome: z.string() });
const buildSchema = z.object({ job_id: z.string(), attempt: z.number() });
const eventSchema = z.object({
  cursor: z.number(),
  type: z.string(),
  job_id: z.string().nullable(),
  attempt: z.number().nullable(),
});
const countSchema = z.object({ count: z.number() });

export type JobRow = z.infer<typeof jobSchema>;
export type AttemptRow = z.infer<typeof attemptSchema>;
export type EventRow = z.infer<typeof eventSchema>;

export interface History {
  readonly jobs: readonly JobRow[];
  readonly attempts: readonly AttemptRow[];
  readonly builds: readonly z.infer<typeof buildSchema>[];
  /** Those that tell of jobs, oldest first. */
  readonly events: readonly EventRow[];
  readonly sideLog: readonly SideEntry[];
  /** `REPOSITORY PLACE` of each revision whose enqueueing was acknowledged. */
  readonly acknowledged: readonly string[];
  /** Steps that still run. */
  readonly openSteps: number;
  /** Workers that the table shows as living. */
  readonly openWorkers: number;
  /** What `pragma integrity_check` says: `ok`, or what is wrong. */
  readonly integrity: string;
  readonly brokenForeignKeys: number;
}

/** Reads what a run left in its folder. */
export function readHistory(folder: string): History {
  const places = placesIn(folder);
  const db = new BetterSqlite3(places.database, { fileMustExist: true });
  const rows = <Row>(schema: z.ZodType<Row>, sql: string) => schema.array().parse(db.prepare(sql).all());
  const count = (sql: string) => countSchema.parse(db.prepare(sql).get()).count;
  try {
    return {
      jobs: rows(jobSchema, 'SELECT number, id, repository_id, revision, status, attempt FROM jobs ORDER BY number'),
      attempts: rows(attemptSchema, 'SELECT job_id, attempt, outcome FROM attempts ORDER BY job_id, attempt'),
      builds: rows(buildSchema, 'SELECT job_id, attempt FROM builds'),
      events: rows(
        eventSchema,
        `SELECT cursor, type, job_id, json_extract(data, '$.attempt') AS attempt FROM events
         WHERE job_id IS NOT NULL ORDER BY cursor`,
      ),
      sideLog: readSideLog(places.sideLog),
      acknowledged: readLines(places.acknowledged),
      openSteps: count("SELECT count(*) AS count FROM steps WHERE status IN ('pending', 'running')"),
      openWorkers: count('SELECT count(*) AS count FROM workers WHERE stopped_at IS NULL'),
      integrity: z.string().parse(db.pragma('integrity_check', { simple: true })),
      brokenForeignKeys: z.array(z.unknown()).parse(db.pragma('foreign_key_check')).length,
    };
  } finally {
    db.close();
  }
}
