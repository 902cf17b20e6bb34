/** Owns the room that mirrors take on the disk: which go when all of them pass the cap, and what a killed process left behind. */
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { settingsOf } from '../contract/settings.ts';
import { listRunningJobs } from '../database/jobs.ts';
import type { Db } from '../database/open-database.ts';
import { listRepositories } from '../database/repositories.ts';
import { readAllSettings } from '../database/settings.ts';
import { listWaitingRepositories } from '../database/waiting-jobs.ts';
import type { Clock } from '../domain/clock.ts';
import type { DataFolder } from '../domain/data-folder.ts';
import { sizeOfMirror } from '../sources/mirror-files.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Mirrors are few files, and grow with fetches alone. */
const lookEveryMs = 5 * 60_000;
/** Whoever uses a mirror without a job, as a poll or a person's look does, is done with it within this time. */
const restMs = 10 * 60_000;

interface MirrorUse {
  readonly repositoryId: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly usedAtMs: number;
}

async function listMirrors(folder: DataFolder, signal?: AbortSignal): Promise<MirrorUse[]> {
  const found: MirrorUse[] = [];
  for (const name of await readdir(folder.mirrors).catch(() => [])) {
    signal?.throwIfAborted();
    const repositoryId = /^([0-9a-f-]{36})\.git$/.exec(name)?.[1];
    if (repositoryId === undefined) continue;
    const path = folder.mirror(repositoryId);
    // What goes meanwhile is left for the next look.
    const facts = await stat(path).catch(() => null);
    if (facts === null) continue;
    found.push({ repositoryId, path, sizeBytes: await sizeOfMirror(path), usedAtMs: facts.mtimeMs });
  }
  return found;
}

/**
 * Removes mirrors until all together take no more than the cap, the one that was used longest ago first; never one of a repository that has
 * a job which waits or runs, nor one that was used in the last ten minutes. What is removed is fetched anew when it is needed. Returns
 * how many went, and what is left, in bytes.
 */
export async function boundMirrors(
  options: { readonly db: Db; readonly folder: DataFolder; readonly clock: Clock },
  signal?: AbortSignal,
): Promise<{ readonly gone: number; readonly sizeBytes: number }> {
  const { db, folder, clock } = options;
  const limitBytes = settingsOf(await readAllSettings(db))['sources.mirrorBytes'];
  const mirrors = await listMirrors(folder, signal);
  let sizeBytes = mirrors.reduce((total, mirror) => total + mirror.sizeBytes, 0);
  let gone = 0;
  for (const mirror of mirrors.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
    if (sizeBytes <= limitBytes) break;
    if (!(await isAtRest(db, mirror, clock()))) continue;
    // Out of the way at once: nobody finds half a mirror.
    const aside = `${mirror.path}.old-${uuidv7()}`;
    await rename(mirror.path, aside);
    await rm(aside, { recursive: true, force: true });
    sizeBytes -= mirror.sizeBytes;
    gone += 1;
  }
  return { gone, sizeBytes };
}

/** Both are asked again for each mirror, right before it goes: sizes take a while to read. */
async function isAtRest(db: Db, { repositoryId, path }: MirrorUse, now: number): Promise<boolean> {
  if ((await listWaitingRepositories(db)).has(repositoryId)) return false;
  if ((await listRunningJobs(db)).some(job => job.repositoryId === repositoryId)) return false;
  const facts = await stat(path).catch(() => null);
  return facts !== null && now - facts.mtimeMs > restMs;
}

/**
 * Removes what no repository can use: mirrors of those that are gone, and what a process that was killed was making, replacing or
 * checking out. Before any worker runs.
 */
export async function sweepMirrors(db: Db, folder: DataFolder): Promise<void> {
  const known = new Set((await listRepositories(db)).map(({ id }) => `${id}.git`));
  for (const name of await readdir(folder.mirrors).catch(() => [])) {
    const path = `${folder.mirrors}/${name}`;
    if (!known.has(name)) await rm(path, { recursive: true, force: true });
    else
      for (const left of await readdir(path).catch(() => []))
        if (/^checkout-.*\.index(\.lock)?$/.test(left)) await rm(`${path}/${left}`, { force: true });
  }
}

/** Looks now and every five minutes, until it is stopped. */
export interface MirrorKeeper {
  start(): void;
  stop(): Promise<void>;
  /** The cap has changed. Never throws. */
  apply(): Promise<void>;
}

export function createMirrorKeeper(options: {
  readonly db: Db;
  readonly folder: DataFolder;
  readonly clock: Clock;
  readonly logger: Logger;
}): MirrorKeeper {
  const { logger } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let running: Promise<void> = Promise.resolve();
  let looking: Promise<void> = Promise.resolve();

  async function look(): Promise<void> {
    try {
      const { gone, sizeBytes } = await boundMirrors(options, signal);
      if (gone > 0) logger.info('mirrors.removed', { gone, sizeBytes });
    } catch (error) {
      if (!signal.aborted) logger.warn('mirrors.not_bounded', { error });
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await apply();
      await delay(lookEveryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Looks now, after the look that is under way. */
  function apply(): Promise<void> {
    looking = looking.then(look);
    return looking;
  }

  return {
    apply,
    start() {
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
      await looking;
    },
  };
}
