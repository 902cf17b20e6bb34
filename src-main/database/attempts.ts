/** Owns the statements of the tables attempts and steps. */
import type { Insertable, Selectable, Updateable } from 'kysely';
import type { Db } from './open-database.ts';
import type { AttemptsTable, StepsTable } from './schema.ts';

export type AttemptRecord = Selectable<AttemptsTable>;
export type StepRecord = Selectable<StepsTable>;

export async function insertAttempt(db: Db, row: Insertable<AttemptsTable>): Promise<void> {
  await db.insertInto('attempts').values(row).execute();
}

export async function finishAttempt(
  db: Db,
  jobId: string,
  attempt: number,
  change: Pick<AttemptRecord, 'finishedAt' | 'outcome' | 'error'>,
): Promise<void> {
  await db
    .updateTable('attempts')
    .set(change)
    .where('jobId', '=', jobId)
    .where('attempt', '=', attempt)
    .where('outcome', '=', 'running')
    .execute();
}

export async function setAttemptIsolation(db: Db, jobId: string, attempt: number, isolation: string): Promise<void> {
  await db
    .updateTable('attempts')
    .set({ isolation })
    .where('jobId', '=', jobId)
    .where('attempt', '=', attempt)
    .execute();
}

/** The attempts that a worker has begun and not ended. */
export async function listRunningAttempts(db: Db, workerId: string): Promise<AttemptRecord[]> {
  return db
    .selectFrom('attempts')
    .selectAll()
    .where('workerId', '=', workerId)
    .where('outcome', '=', 'running')
    .execute();
}

export async function listAttempts(db: Db, jobId: string): Promise<AttemptRecord[]> {
  return db.selectFrom('attempts').selectAll().where('jobId', '=', jobId).orderBy('attempt').execute();
}

/** Since when the log of an attempt is not kept any more, or null. */
export async function findLogReclaimed(db: Db, jobId: string, attempt: number): Promise<number | null> {
  const row = await db
    .selectFrom('attempts')
    .select('logReclaimedAt')
    .where('jobId', '=', jobId)
    .where('attempt', '=', attempt)
    .executeTakeFirst();
  return row?.logReclaimedAt ?? null;
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

/** Steps of an attempt that had begun and not ended become failed; those that never ran are skipped. */
export async function closeSteps(db: Db, jobId: string, attempt: number, now: number): Promise<void> {
  const ofAttempt = db.updateTable('steps').where('jobId', '=', jobId).where('attempt', '=', attempt);
  await ofAttempt.set({ status: 'failed', finishedAt: now }).where('status', '=', 'running').execute();
  await ofAttempt.set({ status: 'skipped' }).where('status', '=', 'pending').execute();
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
