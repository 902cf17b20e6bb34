/** Owns the statements of the table machines. */
import type { Insertable, Selectable, Updateable } from 'kysely';
import type { Db } from './open-database.ts';
import type { MachinesTable } from './tables/releases.ts';

export type MachineRecord = Selectable<MachinesTable>;

export async function insertMachine(db: Db, row: Insertable<MachinesTable>): Promise<void> {
  await db.insertInto('machines').values(row).execute();
}

export async function updateMachine(db: Db, id: string, change: Updateable<MachinesTable>): Promise<void> {
  await db.updateTable('machines').set(change).where('id', '=', id).execute();
}

/** Machines that are invited or enrolled and not revoked. */
export async function listMachines(db: Db, repositoryId?: string): Promise<MachineRecord[]> {
  let select = db
    .selectFrom('machines')
    .innerJoin('repositories', 'repositories.id', 'machines.repositoryId')
    .selectAll('machines')
    .where('repositories.removedAt', 'is', null)
    .where('machines.revokedAt', 'is', null)
    .orderBy('machines.channel')
    .orderBy('machines.name');
  if (repositoryId !== undefined) select = select.where('machines.repositoryId', '=', repositoryId);
  return select.execute();
}

/** Every machine that ever enrolled, revoked ones too: what trust.json lists. */
export async function listEnrolledMachines(db: Db): Promise<MachineRecord[]> {
  return db.selectFrom('machines').selectAll().where('enrolledAt', 'is not', null).orderBy('enrolledAt').execute();
}

export async function findMachine(db: Db, id: string): Promise<MachineRecord | null> {
  return (await db.selectFrom('machines').selectAll().where('id', '=', id).executeTakeFirst()) ?? null;
}
