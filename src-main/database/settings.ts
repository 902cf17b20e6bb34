/** Owns the statements of the table settings: one text value per key. */
import type { SettingName, StoredSettings } from '../contract/settings.ts';
import type { Db } from './open-database.ts';

export type SettingKey =
  | SettingName
  | 'trust.serial'
  | 'workers.mode'
  | 'swarm.paused'
  | 'seeder.sequence'
  | 'builds.defaults'
  | 'caches.limit_bytes'
  | 'storage.checked'
  | 'metrics.token_digest'
  | 'alerts.switches'
  | 'backup.last'
  | 'restore.pending';

export async function readAllSettings(db: Db): Promise<StoredSettings> {
  const rows = await db.selectFrom('settings').selectAll().execute();
  return new Map(rows.map(row => [row.key, row.value]));
}

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
