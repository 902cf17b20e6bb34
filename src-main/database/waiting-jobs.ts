/** Owns what is read of waiting jobs: the first of them in their order, places and counts, each at a cost that does not grow with the queue. */
import { sql } from 'kysely';
import { countedPlaces } from './job-queue.ts';
import type { JobRecord } from './jobs.ts';
import { callQueue, type Db } from './open-database.ts';
import { waitingParts } from './queue/job-statements.ts';

export type WaitingJob = Pick<JobRecord, 'id' | 'number' | 'repositoryId' | 'revision' | 'notBefore' | 'error'>;

/** The waiting jobs of one repository, as far as they were read. */
interface Line {
  readonly jobs: WaitingJob[];
  readonly liftedTo: number;
  /** Whether there may be more. */
  isOpen: boolean;
}

interface LineStart {
  readonly repositoryId: string;
  readonly number: number;
}

/** Of every line, or of one behind a number, the first `perLine` jobs. */
async function readLines(db: Db, perLine: number, behind?: LineStart): Promise<Map<string, Line>> {
  const ofHeads = behind ? sql`queue_heads.repository_id = ${behind.repositoryId}` : sql`queue_heads.head IS NOT NULL`;
  const parts = waitingParts.map(({ index, condition }) => {
    const jobs = sql`jobs INDEXED BY ${sql.raw(index)}`;
    const wait = sql`jobs.repository_id = queue_heads.repository_id AND ${sql.raw(condition)} AND jobs.number > ${behind?.number ?? 0}`;
    const last = sql`SELECT jobs.number FROM ${jobs} WHERE ${wait} ORDER BY jobs.number LIMIT 1 OFFSET ${perLine - 1}`;
    return sql`
      SELECT jobs.id, jobs.number, jobs.repository_id, jobs.revision, jobs.not_before, jobs.error, queue_heads.lifted_to
      FROM queue_heads CROSS JOIN ${jobs}
      WHERE ${ofHeads} AND ${wait} AND jobs.number <= coalesce((${last}), ${Number.MAX_SAFE_INTEGER})`;
  });
  const read = sql<WaitingJob & { readonly liftedTo: number | null }>`${sql.join(parts, sql` UNION ALL `)} ORDER BY 2`;
  const lines = new Map<string, Line>();
  for (const { liftedTo, ...job } of (await read.execute(db)).rows) {
    const line = lines.get(job.repositoryId) ?? { jobs: [], liftedTo: liftedTo ?? 0, isOpen: false };
    if (line.jobs.length < perLine) line.jobs.push(job);
    line.isOpen = line.jobs.length >= perLine;
    lines.set(job.repositoryId, line);
  }
  return lines;
}

async function readOn(db: Db, repositoryId: string, line: Line, more: number): Promise<void> {
  const next = (await readLines(db, more, { repositoryId, number: line.jobs.at(-1)?.number ?? 0 })).get(repositoryId);
  line.jobs.push(...(next?.jobs ?? []));
  line.isOpen = next?.isOpen ?? false;
}

/** Lifted lines come first, then the rest; within both the lowest number. Source: the rules of `QueueImplementation`. */
function isBefore(a: WaitingJob, b: WaitingJob, lines: ReadonlyMap<string, Line>): number {
  const isBehind = ({ repositoryId, number }: WaitingJob) => Number(number > (lines.get(repositoryId)?.liftedTo ?? 0));
  return isBehind(a) - isBehind(b) || a.number - b.number;
}

/**
 * The first `limit` waiting jobs in the order in which they are served. Reads the beginning of every line, and goes on only with
 * those lines that may still have a job among the first.
 */
export async function listFirstWaiting(db: Db, limit: number): Promise<WaitingJob[]> {
  const perLine = 8;
  const lines = await readLines(db, perLine);
  for (let more = perLine * 4; ; more *= 4) {
    const first = [...lines.values()]
      .flatMap(line => line.jobs)
      .sort((a, b) => isBefore(a, b, lines))
      .slice(0, limit);
    const last = first.length < limit ? undefined : first.at(-1);
    const unfinished = [...lines].filter(([, { isOpen, jobs }]) => {
      const end = jobs.at(-1);
      return isOpen && end !== undefined && (last === undefined || isBefore(end, last, lines) < 0);
    });
    if (unfinished.length === 0) return first;
    for (const [repositoryId, line] of unfinished) await readOn(db, repositoryId, line, Math.min(more, limit));
  }
}

/** The place of a waiting job in the whole queue, from 1; null where more than 10,000 are before it. */
export async function placeOf(db: Db, { id }: Pick<JobRecord, 'id'>): Promise<number | null> {
  const position = await callQueue(db, { operation: 'position', request: { id } });
  return position?.isExact ? position.place : null;
}

/** How many jobs of a repository wait, counted to 10,000. */
export async function countWaiting(db: Db, repositoryId: string): Promise<number> {
  const waiting = db
    .selectFrom('waitingJobs')
    .select('number')
    .where('repositoryId', '=', repositoryId)
    .limit(countedPlaces);
  const { count } = await db
    .selectFrom(waiting.as('waiting'))
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** The repositories in which a job waits. */
export async function listWaitingRepositories(db: Db): Promise<ReadonlySet<string>> {
  const rows = await db.selectFrom('queueHeads').select('repositoryId').where('head', 'is not', null).execute();
  return new Set(rows.map(row => row.repositoryId));
}

/** The error of the newest attempt of a repository up to the job with `number`, as JSON; null where it has none. */
export async function lastAttemptError(db: Db, repositoryId: string, number: number): Promise<string | null> {
  const row = await db
    .selectFrom('jobs')
    .select(jobs =>
      jobs
        .selectFrom('attempts')
        .select('error')
        .whereRef('attempts.jobId', '=', 'jobs.id')
        .whereRef('attempts.attempt', '=', 'jobs.attempt')
        .as('error'),
    )
    .where('repositoryId', '=', repositoryId)
    .where('number', '<=', number)
    .where('attempt', '>', 0)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.error ?? null;
}
