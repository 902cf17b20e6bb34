/** Owns the statements of the table settings: one text value per key. */
import type { Db } from './open-database.ts';

export type SettingKey =
  | 'trust.serial'
  | 'workers.paused'
  | 'swarm.paused'
  | 'seeder.sequence'
  | 'builds.defaults'
  | 'caches.limit_bytes';

export async function readSetting(db: Db, key: SettingKey): Promise<string | null> {
  const row = await db.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst();
  return row?.value ?? null;
}

export async function writeSetting(db: Db, key: SettingKey, value: string): Promise<void> {
  await db
    .insertInto('settings')
    .values({ key, value })
    .onConflict(conflict => conflict.column('key').doUpdateSet({ value }))
    .execute();
}
