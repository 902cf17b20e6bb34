/** Owns the worker's checkup: a thread with a database connection of its own, which a busy build cannot starve. */
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { inTransaction, openDatabase } from '../database/open-database.ts';
import { checkupIntervalMs } from '../domain/clock.ts';

export const checkupDataSchema = z.object({ databaseFile: z.string(), workerId: z.string() });
export const toCheckupSchema = z.object({ jobId: z.string().nullable(), attempt: z.number() });
export type ToCheckup = z.infer<typeof toCheckupSchema>;
/** What the thread tells: the running attempt was asked to end, or is no longer ours. */
export type FromCheckup = { readonly type: 'cancel' | 'fenced'; readonly jobId: string };

/** A checkup that could not be written is tried again after this, with the time of then: the supervisor has patience for several. */
const againMs = 1_000;

function run(): void {
  const { databaseFile, workerId } = checkupDataSchema.parse(workerData);
  // Its commit does not wait for the disk, so it holds up no other writer: a power cut may take the last checkups back.
  const db = openDatabase(databaseFile, { migrateSchema: false, relaxed: true, patienceMs: againMs });
  let current: ToCheckup = { jobId: null, attempt: 0 };

  const tell = (message: FromCheckup) => parentPort?.postMessage(message);

  const checkup = async () => {
    const { jobId, attempt } = current;
    const job = await inTransaction(db, async transaction => {
      const now = Date.now();
      await transaction.updateTable('workers').set({ checkupAt: now }).where('id', '=', workerId).execute();
      if (jobId === null) return null;
      const running = await transaction
        .updateTable('jobs')
        .set({ checkupAt: now })
        .where('id', '=', jobId)
        .where('attempt', '=', attempt)
        .where('workerId', '=', workerId)
        .returning('cancelRequestedAt')
        .executeTakeFirst();
      return running ?? 'fenced';
    });
    if (jobId === null || current.jobId !== jobId) return;
    if (job === 'fenced') tell({ type: 'fenced', jobId });
    else if (job !== null && job.cancelRequestedAt !== null) tell({ type: 'cancel', jobId });
  };

  parentPort?.on('message', raw => {
    current = toCheckupSchema.parse(raw);
  });
  const goOn = (): void => {
    checkup().then(
      () => setTimeout(goOn, checkupIntervalMs),
      () => setTimeout(goOn, againMs),
    );
  };
  setTimeout(goOn, checkupIntervalMs);
}

run();
