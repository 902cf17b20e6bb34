/** Owns the statements of the table traffic: bytes between this machine and each store, by day. */
import type { Db } from './open-database.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** Whole days since 1970, UTC. */
export function dayOf(atMs: number): number {
  return Math.floor(atMs / dayMs);
}

export async function addTraffic(
  db: Db,
  regionId: string,
  atMs: number,
  { bytesSent, bytesRead }: { readonly bytesSent: number; readonly bytesRead: number },
): Promise<void> {
  if (bytesSent === 0 && bytesRead === 0) return;
  await db
    .insertInto('traffic')
    .values({ regionId, day: dayOf(atMs), bytesSent, bytesRead })
    .onConflict(conflict =>
      conflict.columns(['regionId', 'day']).doUpdateSet(({ eb, ref }) => ({
        bytesSent: eb('traffic.bytesSent', '+', ref('excluded.bytesSent')),
        bytesRead: eb('traffic.bytesRead', '+', ref('excluded.bytesRead')),
      })),
    )
    .execute();
}

export interface TrafficSum {
  readonly bytesSent: number;
  readonly bytesRead: number;
}

/** Of the `days` days that end with the one of `atMs`. */
export async function sumTraffic(db: Db, regionId: string, atMs: number, days: number): Promise<TrafficSum> {
  const row = await db
    .selectFrom('traffic')
    .select(({ fn }) => [
      fn.sum<number | null>('bytesSent').as('bytesSent'),
      fn.sum<number | null>('bytesRead').as('bytesRead'),
    ])
    .where('regionId', '=', regionId)
    .where('day', '>', dayOf(atMs) - days)
    .executeTakeFirst();
  return { bytesSent: row?.bytesSent ?? 0, bytesRead: row?.bytesRead ?? 0 };
}
