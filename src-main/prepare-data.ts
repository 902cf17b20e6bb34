/** Owns what an engine's data folder must hold before its parts are wired, and what a killed engine left there. */
import { mkdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { v7 as uuidv7 } from 'uuid';
import { DomainError, systemErrorCode } from './contract/errors.ts';
import type { Db } from './database/open-database.ts';
import { insertRegion, listRegions } from './database/regions.ts';
import type { DataFolder } from './domain/data-folder.ts';
import { sweepMirrors } from './poller/mirror-space.ts';
import { sweepHomes } from './queue/build-homes.ts';
import { sweepCaches } from './queue/cache-space.ts';
import type { Logger } from './telemetry/logger.ts';

/** Makes the folders that are missing. Throws `store.full`, `data.unwritable`. */
export async function makeFolders(folder: DataFolder): Promise<void> {
  try {
    await mkdir(folder.root, { recursive: true, mode: 0o700 });
    for (const path of [folder.keys, folder.mainStore, folder.work])
      await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw folderError(error, folder);
  }
}

/** The desktop's own corner, where Chromium keeps what it needs; made at once, before anything else runs. Throws `store.full`, `data.unwritable`. */
export function makeProfileFolder(folder: DataFolder): string {
  const profile = `${folder.root}/desktop`;
  try {
    mkdirSync(profile, { recursive: true, mode: 0o700 });
    return profile;
  } catch (error) {
    throw folderError(error, folder);
  }
}

function folderError(error: unknown, folder: DataFolder): DomainError {
  const code = systemErrorCode(error);
  return code === 'ENOSPC'
    ? new DomainError(
        'store.full',
        `The disk of ${folder.root} is full. Free some space, or choose another folder with --data.`,
      )
    : new DomainError(
        'data.unwritable',
        `${folder.root} cannot be written (${code ?? 'unknown error'}). Check its owner and mode, or choose another folder with --data.`,
        { folder: folder.root },
      );
}

/** The main store's place on the map: nothing better is known than the time zone, until a person says where it is. */
function guessLongitude(): number {
  return Math.max(-180, Math.min(180, -new Date().getTimezoneOffset() / 4));
}

/** The URL of the main store; the first start makes its region. */
export async function ensureMainRegion(db: Db, folder: DataFolder, now: number): Promise<string> {
  const main = (await listRegions(db)).find(region => region.isMain === 1);
  if (main) return main.storeUrl;
  const storeUrl = pathToFileURL(folder.mainStore).href;
  await insertRegion(db, {
    id: uuidv7(),
    name: 'This machine',
    location: 'main store',
    latitude: 45,
    longitude: guessLongitude(),
    storeUrl,
    isMain: 1,
    paused: 0,
    addedAt: now,
  });
  return storeUrl;
}

/** What a killed engine left behind: work folders of attempts that no longer run, caches, homes and mirrors of none. Before any worker runs. */
export async function removeLeftovers(db: Db, folder: DataFolder, logger: Logger): Promise<void> {
  try {
    await rm(folder.work, { recursive: true, force: true });
    await mkdir(folder.work, { recursive: true });
  } catch (error) {
    logger.warn('work.not_removed', { error });
  }
  await sweepCaches(db, folder).catch(error => logger.warn('caches.not_swept', { error }));
  await sweepHomes(db, folder).catch(error => logger.warn('homes.not_swept', { error }));
  await sweepMirrors(db, folder).catch(error => logger.warn('mirrors.not_swept', { error }));
}
