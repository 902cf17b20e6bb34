/** Owns what must be changed in a database that came to another folder: the places that lay in the old one, and that it is restored. */
import BetterSqlite3 from 'better-sqlite3';
import { z } from 'zod';
import { databaseError } from './open-sqlite.ts';

/** What a restored engine has yet to find out, in the setting `restore.pending`. */
export const restorePendingSchema = z.object({
  /** Of the backup, UTC milliseconds: what happened later is not in it. */
  backupAtMs: z.number().int(),
  /** Regions that have not been asked for newer releases; null while none was. */
  regions: z.array(z.string()).nullable(),
  /** Releases that stores hold and this database does not. */
  newer: z.array(
    z.object({
      repositoryId: z.string(),
      channel: z.string(),
      serial: z.number().int(),
      revision: z.string(),
    }),
  ),
});
export type RestorePending = z.infer<typeof restorePendingSchema>;

export interface RestoredPlaces {
  /** Stores besides the main one, and the main one where it was not in the data folder. */
  readonly storeUrls: readonly string[];
  readonly repositories: number;
  readonly jobs: number;
  readonly releases: number;
}

/** Changes a database that no engine has open. Throws `data.corrupt`, `store.full`. */
export function settleRestored(
  file: string,
  change: {
    readonly mainStore: { readonly from: string; readonly to: string };
    readonly sample: { readonly from: string; readonly to: string };
    readonly backupAtMs: number;
  },
): RestoredPlaces {
  const { mainStore, sample, backupAtMs } = change;
  let sqlite: BetterSqlite3.Database | null = null;
  try {
    sqlite = new BetterSqlite3(file, { fileMustExist: true });
    const pending: RestorePending = { backupAtMs, regions: null, newer: [] };
    const prepare = sqlite.prepare.bind(sqlite);
    sqlite.transaction(() => {
      prepare('UPDATE regions SET store_url = ? WHERE is_main = 1 AND store_url = ?').run(mainStore.to, mainStore.from);
      prepare('UPDATE repositories SET url = ? || substr(url, ?) WHERE substr(url, 1, ?) = ?').run(
        sample.to,
        sample.from.length + 1,
        sample.from.length,
        sample.from,
      );
      prepare(
        'INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
      ).run('restore.pending', JSON.stringify(pending));
    })();
    const count = (table: string) => z.number().parse(prepare(`SELECT count(*) FROM ${table}`).pluck().get());
    const urls = z.array(z.string()).parse(prepare('SELECT store_url FROM regions ORDER BY name').pluck().all());
    return {
      storeUrls: urls.filter(url => url !== mainStore.to),
      repositories: count('repositories'),
      jobs: count('jobs'),
      releases: count('releases'),
    };
  } catch (error) {
    throw databaseError(error, file);
  } finally {
    sqlite?.close();
  }
}
