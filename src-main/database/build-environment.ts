/** Owns the statements of the tables variables and secrets: what builds of a repository get as environment. */
import type { Selectable } from 'kysely';
import type { Db } from './open-database.ts';
import type { SecretsTable, VariablesTable } from './tables/environment.ts';

export type VariableRecord = Selectable<VariablesTable>;
export type SecretRecord = Selectable<SecretsTable>;

export async function listVariables(db: Db, repositoryId: string): Promise<VariableRecord[]> {
  return db.selectFrom('variables').selectAll().where('repositoryId', '=', repositoryId).orderBy('name').execute();
}

/** Sets or replaces one value. */
export async function putVariable(db: Db, row: VariableRecord): Promise<void> {
  await db
    .insertInto('variables')
    .values(row)
    .onConflict(conflict =>
      conflict.columns(['repositoryId', 'name']).doUpdateSet({ value: row.value, setAt: row.setAt }),
    )
    .execute();
}

/** False where there was none. */
export async function deleteVariable(db: Db, repositoryId: string, name: string): Promise<boolean> {
  const deleted = await db
    .deleteFrom('variables')
    .where('repositoryId', '=', repositoryId)
    .where('name', '=', name)
    .returning('name')
    .execute();
  return deleted.length > 0;
}

export async function listSecrets(db: Db, repositoryId: string): Promise<SecretRecord[]> {
  return db.selectFrom('secrets').selectAll().where('repositoryId', '=', repositoryId).orderBy('name').execute();
}

/** Sets or replaces one sealed value. */
export async function putSecret(db: Db, row: SecretRecord): Promise<void> {
  await db
    .insertInto('secrets')
    .values(row)
    .onConflict(conflict =>
      conflict.columns(['repositoryId', 'name']).doUpdateSet({ sealedValue: row.sealedValue, setAt: row.setAt }),
    )
    .execute();
}

/** False where there was none. */
export async function deleteSecret(db: Db, repositoryId: string, name: string): Promise<boolean> {
  const deleted = await db
    .deleteFrom('secrets')
    .where('repositoryId', '=', repositoryId)
    .where('name', '=', name)
    .returning('name')
    .execute();
  return deleted.length > 0;
}

/** Everything that a repository's builds got; for a repository that is removed. */
export async function deleteBuildEnvironment(db: Db, repositoryId: string): Promise<void> {
  await db.deleteFrom('secrets').where('repositoryId', '=', repositoryId).execute();
  await db.deleteFrom('variables').where('repositoryId', '=', repositoryId).execute();
}
