/** Owns the logs of jobs on the disk: what each takes, and their deletion by the rule. The rows of jobs and attempts stay. */
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Tasks } from '../artifacts/tasks.ts';
import { insertReclaimedLogs } from '../database/attempts.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { inParts } from '../database/retention.ts';
import type { DataFolder } from '../domain/data-folder.ts';
import { type LogFact, type LogRule, logsToReclaim } from '../domain/log-retention.ts';

/** More only compete for the disk. */
const concurrentLooks = 8;

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** What the files of a job's logs take; those that go meanwhile count as none. */
async function sizeOf(folder: string): Promise<number> {
  let sizeBytes = 0;
  for (const name of await namesIn(folder)) sizeBytes += (await stat(join(folder, name)).catch(() => null))?.size ?? 0;
  return sizeBytes;
}

/** The logs of jobs that have ended. */
export async function listLogs(db: Db, folder: DataFolder): Promise<LogFact[]> {
  const sizes = new Map<string, number>();
  const tasks = new Tasks(concurrentLooks);
  for (const jobId of await namesIn(folder.logs))
    await tasks.add(async () => void sizes.set(jobId, await sizeOf(join(folder.logs, jobId))));
  await tasks.finish();
  const facts: LogFact[] = [];
  for (const part of inParts([...sizes.keys()])) {
    const jobs = await db
      .selectFrom('jobs')
      .select(['id', 'number', 'repositoryId', 'status', 'finishedAt'])
      .where('id', 'in', part)
      .execute();
    for (const { id, number, repositoryId, status, finishedAt } of jobs) {
      const sizeBytes = sizes.get(id) ?? 0;
      if (finishedAt === null || sizeBytes === 0) continue;
      facts.push({
        jobId: id,
        jobNumber: number,
        repositoryId,
        succeeded: status === 'succeeded',
        finishedAt,
        sizeBytes,
      });
    }
  }
  return facts;
}

/** The attempts whose logs may go now; null where the job was queued again meanwhile. */
async function markAttempts(db: Db, jobId: string, now: number): Promise<readonly number[] | null> {
  return inTransaction(db, async transaction => {
    const job = await transaction.selectFrom('jobs').select('finishedAt').where('id', '=', jobId).executeTakeFirst();
    if (job === undefined || job.finishedAt === null) return null;
    const rows = await transaction.selectFrom('attempts').select('attempt').where('jobId', '=', jobId).execute();
    const attempts = rows.map(({ attempt }) => attempt);
    await insertReclaimedLogs(transaction, jobId, attempts, now);
    return attempts;
  });
}

/** Marks the logs of one job as reclaimed, then deletes them. A later attempt of it, which may begin meanwhile, writes its own. */
async function reclaimLog(db: Db, folder: DataFolder, { jobId }: LogFact, now: number): Promise<boolean> {
  const attempts = await markAttempts(db, jobId, now);
  if (attempts === null) return false;
  for (const attempt of attempts) {
    for (const path of [
      folder.jobLog(jobId, attempt),
      folder.testList(jobId, attempt),
      folder.testSummary(jobId, attempt),
    ])
      await rm(path, { force: true });
  }
  await rmdir(join(folder.logs, jobId)).catch(() => undefined);
  return true;
}

/** Deletes the logs that the rule lets go. May be repeated; a run that was cut off is gone on with by the next. */
export async function reclaimLogs(
  db: Db,
  folder: DataFolder,
  options: { readonly rule: LogRule; readonly now: number; readonly signal: AbortSignal },
): Promise<{ readonly logs: number; readonly sizeBytes: number }> {
  let logs = 0;
  let sizeBytes = 0;
  for (const log of logsToReclaim(await listLogs(db, folder), options.rule, options.now)) {
    if (options.signal.aborted) break;
    if (!(await reclaimLog(db, folder, log, options.now))) continue;
    logs += 1;
    sizeBytes += log.sizeBytes;
  }
  return { logs, sizeBytes };
}

/** Removes work folders of attempts that no longer run, as a killed worker leaves them. Returns how many went. */
export async function removeWorkFolders(db: Db, folder: DataFolder): Promise<number> {
  const present = await namesIn(folder.work);
  if (present.length === 0) return 0;
  // Read after the folders: an attempt is claimed before it makes its own.
  const jobs = await db.selectFrom('jobs').select(['id', 'attempt']).where('status', '=', 'running').execute();
  const used = new Set(jobs.map(({ id, attempt }) => folder.workOf(id, attempt)));
  const gone = present.map(name => join(folder.work, name)).filter(path => !used.has(path));
  for (const path of gone) await rm(path, { recursive: true, force: true, maxRetries: 3 });
  return gone.length;
}
