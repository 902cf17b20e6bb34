/** Owns the statements of the tables attempts and steps. */
import type { Insertable, Selectable, Updateable } from 'kysely';
import type { Db } from './open-database.ts';
import type { AttemptsTable, StepsTable } from './tables/jobs.ts';

export type AttemptRecord = Selectable<AttemptsTable>;
export type StepRecord = Selectable<StepsTable>;

export async function listAttempts(db: Db, jobId: string): Promise<AttemptRecord[]> {
  return db.selectFrom('attempts').selectAll().where('jobId', '=', jobId).orderBy('attempt').execute();
}

/** Since when the log of an attempt is not kept any more, or null. */
export async function findLogReclaimed(db: Db, jobId: string, attempt: number): Promise<number | null> {
  const row = await db
    .selectFrom('reclaimedLogs')
    .select('at')
    .where('jobId', '=', jobId)
    .where('attempt', '=', attempt)
    .executeTakeFirst();
  return row?.at ?? null;
}

/** From now on the logs of these attempts are not kept. One that was reclaimed before keeps its time. */
export async function insertReclaimedLogs(
  db: Db,
  jobId: string,
  attempts: readonly number[],
  at: number,
): Promise<void> {
  if (attempts.length === 0) return;
  await db
    .insertInto('reclaimedLogs')
    .values(attempts.map(attempt => ({ jobId, attempt, at })))
    .onConflict(conflict => conflict.columns(['jobId', 'attempt']).doNothing())
    .execute();
}

export async function insertSteps(db: Db, rows: readonly Insertable<StepsTable>[]): Promise<void> {
  if (rows.length > 0)
    await db
      .insertInto('steps')
      .values([...rows])
      .execute();
}

export async function updateStep(
  db: Db,
  key: Pick<StepRecord, 'jobId' | 'attempt' | 'position'>,
  change: Updateable<StepsTable>,
): Promise<void> {
  await db
    .updateTable('steps')
    .set(change)
    .where('jobId', '=', key.jobId)
    .where('attempt', '=', key.attempt)
    .where('position', '=', key.position)
    .execute();
}

/** The steps of every attempt of these jobs, in their order. */
export async function listStepsOfJobs(db: Db, jobIds: readonly string[]): Promise<StepRecord[]> {
  if (jobIds.length === 0) return [];
  return db
    .selectFrom('steps')
    .selectAll()
    .where('jobId', 'in', [...jobIds])
    .orderBy('position')
    .execute();
}

export async function listSteps(db: Db, jobId: string, attempt: number): Promise<StepRecord[]> {
  return db
    .selectFrom('steps')
    .selectAll()
    .where('jobId', '=', jobId)
    .where('attempt', '=', attempt)
    .orderBy('position')
    .execute();
}
