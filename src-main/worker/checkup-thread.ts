/** Owns the worker's checkup: a thread with a database connection of its own, which a busy build cannot starve. */
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { openDatabase } from '../database/open-database.ts';
import { checkupIntervalMs } from '../domain/clock.ts';

export const checkupDataSchema = z.object({ databaseFile: z.string(), workerId: z.string() });
export const toCheckupSchema = z.object({ jobId: z.string().nullable(), attempt: z.number() });
export type ToCheckup = z.infer<typeof toCheckupSchema>;
/** What the thread tells: the running attempt was asked to end, or is no longer ours. */
export type FromCheckup = { readonly type: 'cancel' | 'fenced'; readonly jobId: string };

function run(): void {
  const { databaseFile, workerId } = checkupDataSchema.parse(workerData);
  const db = openDatabase(databaseFile, { migrateSchema: false });
  let current: ToCheckup = { jobId: null, attempt: 0 };

  const tell = (message: FromCheckup) => parentPort?.postMessage(message);

  const checkup = async () => {
    const now = Date.now();
    await db.updateTable('workers').set({ checkupAt: now }).where('id', '=', workerId).execute();
    const { jobId, attempt } = current;
    if (jobId === null) return;
    const job = await db
      .updateTable('jobs')
      .set({ checkupAt: now })
      .where('id', '=', jobId)
      .where('attempt', '=', attempt)
      .where('workerId', '=', workerId)
      .returning('cancelRequestedAt')
      .executeTakeFirst();
    if (current.jobId !== jobId) return;
    if (!job) tell({ type: 'fenced', jobId });
    else if (job.cancelRequestedAt !== null) tell({ type: 'cancel', jobId });
  };

  parentPort?.on('message', raw => {
    current = toCheckupSchema.parse(raw);
  });
  let pending: Promise<void> = Promise.resolve();
  setInterval(() => {
    // A missed write is not the worker's end: the next one counts, and the supervisor has patience for two.
    pending = pending.then(checkup).catch(() => undefined);
  }, checkupIntervalMs);
}

run();
