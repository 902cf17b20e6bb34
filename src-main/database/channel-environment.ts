/** Owns the statements of a channel's values, of the versions made of them, and of their encrypted forms. */
import type { Selectable } from 'kysely';
import type { Db } from './open-database.ts';
import type { ChannelEnvironmentsTable, ChannelValuesTable, EnvironmentSealsTable } from './tables/environment.ts';

export type ChannelValueRecord = Selectable<ChannelValuesTable>;
export type ChannelEnvironmentRecord = Selectable<ChannelEnvironmentsTable>;
export type EnvironmentSealRecord = Selectable<EnvironmentSealsTable>;

export async function listChannelValues(db: Db, channelId: string): Promise<ChannelValueRecord[]> {
  return db.selectFrom('channelValues').selectAll().where('channelId', '=', channelId).orderBy('name').execute();
}

/** Sets or replaces one value. */
export async function putChannelValue(db: Db, row: ChannelValueRecord): Promise<void> {
  await db
    .insertInto('channelValues')
    .values(row)
    .onConflict(conflict =>
      conflict
        .columns(['channelId', 'name'])
        .doUpdateSet({ isSecret: row.isSecret, value: row.value, setAt: row.setAt }),
    )
    .execute();
}

export async function deleteChannelValue(db: Db, channelId: string, name: string): Promise<void> {
  await db.deleteFrom('channelValues').where('channelId', '=', channelId).where('name', '=', name).execute();
}

export async function insertChannelEnvironment(db: Db, row: ChannelEnvironmentRecord): Promise<void> {
  await db.insertInto('channelEnvironments').values(row).execute();
}

export async function findChannelEnvironment(
  db: Db,
  channelId: string,
  version: number,
): Promise<ChannelEnvironmentRecord | null> {
  return (
    (await db
      .selectFrom('channelEnvironments')
      .selectAll()
      .where('channelId', '=', channelId)
      .where('version', '=', version)
      .executeTakeFirst()) ?? null
  );
}

export async function newestChannelEnvironment(db: Db, channelId: string): Promise<ChannelEnvironmentRecord | null> {
  return (
    (await db
      .selectFrom('channelEnvironments')
      .selectAll()
      .where('channelId', '=', channelId)
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst()) ?? null
  );
}

export async function insertEnvironmentSeal(db: Db, row: EnvironmentSealRecord): Promise<void> {
  await db.insertInto('environmentSeals').values(row).execute();
}

export async function findEnvironmentSeal(db: Db, digest: string): Promise<EnvironmentSealRecord | null> {
  return (await db.selectFrom('environmentSeals').selectAll().where('digest', '=', digest).executeTakeFirst()) ?? null;
}

/** A seal of this version for exactly these recipients. */
export async function findSealFor(
  db: Db,
  wanted: Pick<EnvironmentSealRecord, 'channelId' | 'version' | 'recipients'>,
): Promise<EnvironmentSealRecord | null> {
  return (
    (await db
      .selectFrom('environmentSeals')
      .selectAll()
      .where('channelId', '=', wanted.channelId)
      .where('version', '=', wanted.version)
      .where('recipients', '=', wanted.recipients)
      .executeTakeFirst()) ?? null
  );
}

/** Everything of a repository's channels; for a repository that is removed. */
export async function deleteChannelEnvironments(db: Db, repositoryId: string): Promise<void> {
  const channels = db.selectFrom('channels').select('id').where('repositoryId', '=', repositoryId);
  await db.deleteFrom('environmentSeals').where('channelId', 'in', channels).execute();
  await db.deleteFrom('channelEnvironments').where('channelId', 'in', channels).execute();
  await db.deleteFrom('channelValues').where('channelId', 'in', channels).execute();
}
