/** Owns the statements of the table workers. */
import type { Insertable, Selectable, Updateable } from 'kysely';
import type { Db } from './open-database.ts';
import type { WorkersTable } from './tables/jobs.ts';

export type WorkerRecord = Selectable<WorkersTable>;

export async function insertWorker(db: Db, row: Insertable<WorkersTable>): Promise<void> {
  await db.insertInto('workers').values(row).execute();
}

export async function updateWorker(db: Db, id: string, change: Updateable<WorkersTable>): Promise<void> {
  await db.updateTable('workers').set(change).where('id', '=', id).execute();
}

export async function listLiveWorkers(db: Db): Promise<WorkerRecord[]> {
  return db.selectFrom('workers').selectAll().where('stoppedAt', 'is', null).orderBy('startedAt').execute();
}

export async function findWorker(db: Db, id: string): Promise<WorkerRecord | null> {
  return (await db.selectFrom('workers').selectAll().where('id', '=', id).executeTakeFirst()) ?? null;
}

/** Workers that hold a running job although they were given up. One statement, so that it sees one moment. */
export async function listGivenUpHolders(db: Db): Promise<string[]> {
  const rows = await db
    .selectFrom('jobs')
    .innerJoin('workers', 'workers.id', 'jobs.workerId')
    .select('workers.id')
    .distinct()
    .where('jobs.number', 'in', db.selectFrom('runningJobs').select('number'))
    .where('workers.stoppedAt', 'is not', null)
    .execute();
  return rows.map(row => row.id);
}
