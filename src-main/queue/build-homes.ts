/** Owns the end of build homes: the folder that isolated builds of one repository have as their home, with what tools cache there. */
import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { listRunningJobs } from '../database/jobs.ts';
import type { Db } from '../database/open-database.ts';
import { listRepositories } from '../database/repositories.ts';
import type { DataFolder } from '../domain/data-folder.ts';

/** Removes the home of one repository, or of all. One that a build has at this moment stays. Returns how many went. */
export async function clearHomes(db: Db, folder: DataFolder, repositoryId?: string): Promise<number> {
  const used = new Set((await listRunningJobs(db)).map(job => job.repositoryId));
  const present = await readdir(folder.homes).catch(() => []);
  const gone = present.filter(id => !used.has(id) && (repositoryId === undefined || id === repositoryId));
  for (const id of gone) await removeHome(folder.buildHome(id));
  return gone.length;
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
