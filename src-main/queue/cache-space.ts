/** Owns the room that caches take on the disk: who may write how much, what goes first, and what a killed process left behind. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { v7 as uuidv7 } from 'uuid';
import type { CachesView } from '../contract/caches.ts';
import {
  type CacheRecord,
  countResults,
  deleteCache,
  deleteResults,
  insertCache,
  listCaches,
  moveCaches,
} from '../database/caches.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { listRepositories } from '../database/repositories.ts';
import { readSetting, writeSetting } from '../database/settings.ts';
import { listLiveWorkers } from '../database/workers.ts';
import type { DataFolder } from '../domain/data-folder.ts';

/** A few projects' packages; small beside what their builds and artifacts take. */
const defaultLimitBytes = 10 * 1024 ** 3;

/** The cap of all caches together, in bytes. */
export async function cacheLimitBytes(db: Db): Promise<number> {
  return Number((await readSetting(db, 'caches.limit_bytes')) ?? defaultLimitBytes);
}

export type Reservation =
  | { readonly outcome: 'reserved'; readonly cache: CacheRecord }
  /** The same key is there, or is being written by another build. */
  | { readonly outcome: 'known' }
  /** It is larger than the cap, or what other builds are writing leaves no room. */
  | { readonly outcome: 'full'; readonly limitBytes: number };

type Room =
  | Reservation
  /** These must be gone from the disk first. */
  | { readonly outcome: 'remove'; readonly caches: readonly CacheRecord[] };

/**
 * Reserves room for one entry before a byte of it is written, so that what lies on the disk never passes the cap: entries that were used
 * longest ago are removed until it fits, and count until they are gone. `replaces` takes the place of an entry of the same key.
 */
export async function reserveCache(
  db: Db,
  folder: DataFolder,
  request: Pick<CacheRecord, 'repositoryId' | 'name' | 'key' | 'sizeBytes' | 'workerId' | 'jobNumber'> & {
    readonly now: number;
    readonly replaces: boolean;
  },
): Promise<Reservation> {
  for (;;) {
    const room = await inTransaction(db, transaction => findRoom(transaction, request));
    if (room.outcome !== 'remove') return room;
    for (const cache of room.caches) await removeCache(db, folder, cache);
  }
}

async function findRoom(db: Db, request: Parameters<typeof reserveCache>[2]): Promise<Room> {
  const { now, replaces, ...entry } = request;
  const limitBytes = await cacheLimitBytes(db);
  const all = await listCaches(db);
  const live = new Set((await listLiveWorkers(db)).map(worker => worker.id));
  const same = all.filter(
    one => one.repositoryId === entry.repositoryId && one.name === entry.name && one.key === entry.key,
  );
  const isDead = (one: CacheRecord) =>
    one.status === 'removing' || (one.status === 'writing' && !live.has(one.workerId));
  const old = replaces ? same.filter(one => one.status === 'ready') : [];
  if (same.some(one => !isDead(one) && !old.includes(one))) return { outcome: 'known' };
  const leaving = [...all.filter(isDead), ...old];
  if (leaving.length > 0) return remove(db, leaving);
  let excess = all.reduce((total, one) => total + one.sizeBytes, 0) + entry.sizeBytes - limitBytes;
  if (excess <= 0) {
    const cache = { ...entry, id: uuidv7(), status: 'writing', createdAt: now, usedAt: now } as const;
    await insertCache(db, cache);
    return { outcome: 'reserved', cache };
  }
  const ready = all.filter(one => one.status === 'ready');
  // Nothing is thrown away for an entry that will not fit anyway.
  if (excess > ready.reduce((total, one) => total + one.sizeBytes, 0)) return { outcome: 'full', limitBytes };
  const victims: CacheRecord[] = [];
  for (const one of ready) {
    if (excess <= 0) break;
    victims.push(one);
    excess -= one.sizeBytes;
  }
  return remove(db, victims);
}

async function remove(db: Db, caches: readonly CacheRecord[]): Promise<Room> {
  const ids = caches.map(cache => cache.id);
  await moveCaches(db, ids, ['ready', 'writing'], 'removing');
  return { outcome: 'remove', caches };
}

/** Removes an entry that nobody may read any more: its files, then its row. May be repeated, and by several at once. */
export async function removeCache(db: Db, folder: DataFolder, cache: CacheRecord): Promise<void> {
  await rm(folder.cacheOf(cache), { recursive: true, force: true, maxRetries: 3 });
  await deleteCache(db, cache.id);
}

/** From here on the entry is read. False where it was taken away meanwhile; it is to be removed then. */
export async function finishCache(db: Db, cache: CacheRecord): Promise<boolean> {
  return (await moveCaches(db, [cache.id], ['writing'], 'ready')) > 0;
}

/**
 * Removes what no build can use: entries that a killed worker was writing or removing, those of repositories that are gone, and
 * folders of none. To be called before any worker runs.
 */
export async function sweepCaches(db: Db, folder: DataFolder): Promise<void> {
  const repositories = new Set((await listRepositories(db)).map(({ id }) => id));
  const known = new Set<string>();
  for (const cache of await listCaches(db)) {
    if (cache.status === 'ready' && repositories.has(cache.repositoryId)) known.add(folder.cacheOf(cache));
    else await removeCache(db, folder, cache);
  }
  await mkdir(folder.caches, { recursive: true, mode: 0o700 });
  for (const repository of await readdir(folder.caches)) {
    const parent = `${folder.caches}/${repository}`;
    for (const name of await readdir(parent)) {
      const path = `${parent}/${name}`;
      if (!known.has(path)) await rm(path, { recursive: true, force: true });
    }
  }
}

/** What caches take, and which there are. Sizes are what their files take on the disk. */
export async function cachesView(db: Db, repositoryId?: string): Promise<CachesView> {
  const all = await listCaches(db);
  const shown = all.filter(cache => repositoryId === undefined || cache.repositoryId === repositoryId).reverse();
  return {
    limitBytes: await cacheLimitBytes(db),
    usedBytes: all.reduce((total, cache) => total + cache.sizeBytes, 0),
    results: await countResults(db, repositoryId),
    entries: shown.map(({ id, repositoryId: ofRepository, name, key, status, sizeBytes, ...rest }) => ({
      id,
      repositoryId: ofRepository,
      name,
      key,
      status,
      sizeBytes,
      jobNumber: rest.jobNumber,
      createdAtMs: rest.createdAt,
      usedAtMs: rest.usedAt,
    })),
  };
}

/** Sets the cap, and removes what no longer fits, least recently used first. */
export async function setCacheLimit(db: Db, folder: DataFolder, limitBytes: number): Promise<void> {
  const victims = await inTransaction(db, async transaction => {
    await writeSetting(transaction, 'caches.limit_bytes', String(limitBytes));
    const all = await listCaches(transaction);
    let excess = all.reduce((total, one) => total + one.sizeBytes, 0) - limitBytes;
    const chosen: CacheRecord[] = [];
    for (const cache of all.filter(({ status }) => status === 'ready')) {
      if (excess <= 0) break;
      chosen.push(cache);
      excess -= cache.sizeBytes;
    }
    if (chosen.length > 0) await remove(transaction, chosen);
    return chosen;
  });
  for (const cache of victims) await removeCache(db, folder, cache);
}

/** Forgets what builds left, of one repository or of all: files and results. What is being written this moment stays. */
export async function clearCaches(
  db: Db,
  folder: DataFolder,
  repositoryId?: string,
): Promise<{ readonly caches: number; readonly sizeBytes: number; readonly results: number }> {
  const { gone, results } = await inTransaction(db, async transaction => {
    const ready = (await listCaches(transaction, repositoryId)).filter(({ status }) => status === 'ready');
    if (ready.length > 0) await remove(transaction, ready);
    return { gone: ready, results: await deleteResults(transaction, repositoryId) };
  });
  for (const cache of gone) await removeCache(db, folder, cache);
  return { caches: gone.length, sizeBytes: gone.reduce((total, one) => total + one.sizeBytes, 0), results };
}
