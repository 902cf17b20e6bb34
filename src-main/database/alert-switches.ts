/** Owns where the switches of notifications are kept: one setting, with the repositories that differ from the usual alone. */
import { z } from 'zod';
import { type AlertSwitches, alertSwitchesSchema, usualAlerts } from '../contract/alerts.ts';
import { fromJson } from './json-column.ts';
import type { Db } from './open-database.ts';
import { readSetting, writeSetting } from './settings.ts';

const key = 'alerts.switches';
/** By a repository's id. */
const chosenSchema = z.record(z.string(), alertSwitchesSchema.partial());

/** The switches of each repository, by its id. */
export async function readAlertSwitches(db: Db): Promise<(repositoryId: string) => AlertSwitches> {
  const chosen = fromJson(chosenSchema, await readSetting(db, key)) ?? {};
  return id => ({ ...usualAlerts, ...chosen[id] });
}

/** In a transaction, since what is chosen of others is written again. */
export async function writeAlertSwitches(
  transaction: Db,
  repositoryId: string,
  switches: AlertSwitches,
): Promise<void> {
  const chosen = fromJson(chosenSchema, await readSetting(transaction, key)) ?? {};
  await writeSetting(transaction, key, JSON.stringify({ ...chosen, [repositoryId]: switches }));
}

/** Forgets those of a repository that is watched no more. */
export async function deleteAlertSwitches(transaction: Db, repositoryId: string): Promise<void> {
  const { [repositoryId]: gone, ...others } = fromJson(chosenSchema, await readSetting(transaction, key)) ?? {};
  if (gone) await writeSetting(transaction, key, JSON.stringify(others));
}
