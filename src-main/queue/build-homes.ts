/** Owns how long build homes stay: the folder that isolated builds of one repository have as their home, with what tools cache there. */
import { chmod, mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { measureTree } from '../artifacts/copy-tree.ts';
import { listRunningJobs } from '../database/jobs.ts';
import type { Db } from '../database/open-database.ts';
import { listRepositories } from '../database/repositories.ts';
import type { DataFolder } from '../domain/data-folder.ts';
import type { Logger } from '../telemetry/logger.ts';
import { cacheLimitBytes } from './cache-space.ts';

/** Reading the size of a few hundred thousand files takes seconds, and what a build adds is small beside the cap. */
const lookEveryMs = 15 * 60_000;

/** Makes the home where it is missing; from now on it is the one that was used last. */
export async function takeHome(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const now = new Date();
  await utimes(path, now, now);
}

/** Removes the home of one repository, or of all. One that a build has at this moment stays. Returns how many went. */
export async function clearHomes(db: Db, folder: DataFolder, repositoryId?: string): Promise<number> {
  const used = new Set((await listRunningJobs(db)).map(job => job.repositoryId));
  const present = await readdir(folder.homes).catch(() => []);
  const gone = present.filter(id => !used.has(id) && (repositoryId === undefined || id === repositoryId));
  for (const id of gone) await removeHome(folder.buildHome(id));
  return gone.length;
}

/**
 * Removes homes until all together take no more than the cap of caches, the one that was used longest ago first; never one that a
 * build has at this moment. Returns how many went.
 */
export async function boundHomes(db: Db, folder: DataFolder, signal?: AbortSignal): Promise<number> {
  const limitBytes = await cacheLimitBytes(db);
  const homes: { readonly id: string; readonly sizeBytes: number; readonly usedAtMs: number }[] = [];
  for (const id of await readdir(folder.homes).catch(() => [])) {
    signal?.throwIfAborted();
    const facts = await stat(folder.buildHome(id)).catch(() => null);
    // What cannot be read, or goes meanwhile, is left for the next look.
    const size = await measureTree(folder.homes, [id], signal).catch(() => null);
    if (facts !== null && size !== null) homes.push({ id, sizeBytes: size.sizeBytes, usedAtMs: facts.mtimeMs });
  }
  let excess = homes.reduce((total, home) => total + home.sizeBytes, 0) - limitBytes;
  let gone = 0;
  for (const { id, sizeBytes } of homes.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
    if (excess <= 0) break;
    if ((await clearHomes(db, folder, id)) === 0) continue;
    excess -= sizeBytes;
    gone += 1;
  }
  return gone;
}

/** Looks now and every quarter of an hour, until it is stopped. */
export function createHomeKeeper(options: { readonly db: Db; readonly folder: DataFolder; readonly logger: Logger }) {
  const { db, folder, logger } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let running: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        const gone = await boundHomes(db, folder, signal);
        if (gone > 0) logger.info('homes.removed', { gone });
      } catch (error) {
        if (!signal.aborted) logger.warn('homes.not_bounded', { error });
      }
      await delay(lookEveryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  return {
    start() {
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Removes the homes of repositories that are there no more: of one that was removed while it built. Before any worker runs. */
export async function sweepHomes(db: Db, folder: DataFolder): Promise<void> {
  const known = new Set((await listRepositories(db)).map(({ id }) => id));
  const present = await readdir(folder.homes).catch(() => []);
  for (const id of present) if (!known.has(id)) await removeHome(folder.buildHome(id));
}

/** Go keeps its modules in folders that cannot be written, and whose files cannot be removed therefore. Source: go.dev/ref/mod, "Module cache". */
async function removeHome(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(async () => {
    await makeWritable(path);
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  });
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
  }
}
