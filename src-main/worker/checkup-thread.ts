/** Owns the worker's signs of life: a thread with a database connection of its own, which a busy build cannot starve. */
import { writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { type Db, inTransaction, openDatabase } from '../database/open-database.ts';
import { treeUsage } from '../process/tree-usage.ts';

export const checkupDataSchema = z.object({ databaseFile: z.string(), workerId: z.string(), intervalMs: z.number() });
export type CheckupData = z.infer<typeof checkupDataSchema>;
export const toCheckupSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('watch'), jobId: z.string().nullable(), attempt: z.number() }),
  z.object({ type: z.literal('every'), intervalMs: z.number() }),
]);
export type ToCheckup = z.infer<typeof toCheckupSchema>;
/** The first pulse is out; an attempt was asked to end, or is no longer ours; its child processes did something. */
export type FromCheckup =
  | { readonly type: 'beating' }
  | { readonly type: 'cancel' | 'fenced'; readonly jobId: string; readonly attempt: number }
  | { readonly type: 'activity' };

/** Of the pulse, and of the next try after a checkup that could not be written. */
const tickMs = 1_000;
/** Timers come a little early or late; a checkup is due on the tick nearest to its time. */
const slackMs = 100;
/** A locked database must not hold up the pulse: the checkup is tried again at the next tick. */
const busyTimeoutMs = 500;
const stderrHandle = 2;
const pulse = new Uint8Array(1);

function run(): void {
  const { databaseFile, workerId, ...data } = checkupDataSchema.parse(workerData);
  let { intervalMs } = data;
  let db: Db | null = null;
  let current: { readonly jobId: string | null; readonly attempt: number } = { jobId: null, attempt: 0 };
  let dueAt = 0;
  let peakMemoryBytes = 0;
  let lastActivity = '';

  const tell = (message: FromCheckup) => parentPort?.postMessage(message);

  /** Its commit does not wait for the disk, so it holds up no other writer: a power cut may take the last checkups back. */
  function open(): Db {
    return openDatabase(databaseFile, { migrateSchema: false, relaxed: true, patienceMs: busyTimeoutMs });
  }

  /** To the supervisor, past this process's main thread and past the database. */
  function beat(): void {
    try {
      writeSync(stderrHandle, pulse);
    } catch {
      // The pipe is full or closed: nobody reads it now.
    }
  }

  function measure(): number {
    const { memoryBytes, activity } = treeUsage(process.pid);
    peakMemoryBytes = Math.max(peakMemoryBytes, memoryBytes);
    if (activity !== lastActivity) tell({ type: 'activity' });
    lastActivity = activity;
    return memoryBytes;
  }

  async function checkUp(memoryBytes: number): Promise<void> {
    db ??= open();
    const { jobId, attempt } = current;
    const job = await inTransaction(db, async transaction => {
      const now = Date.now();
      const signs = { checkupAt: now, memoryBytes, peakMemoryBytes };
      await transaction.updateTable('workers').set(signs).where('id', '=', workerId).execute();
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
    if (jobId === null) return;
    if (job === 'fenced') tell({ type: 'fenced', jobId, attempt });
    else if (job !== null && job.cancelRequestedAt !== null) tell({ type: 'cancel', jobId, attempt });
  }

  async function tick(): Promise<void> {
    beat();
    const memoryBytes = measure();
    const startedAt = performance.now();
    if (startedAt < dueAt - slackMs) return;
    await checkUp(memoryBytes);
    dueAt = startedAt + intervalMs;
  }

  parentPort?.on('message', raw => {
    const message = toCheckupSchema.parse(raw);
    switch (message.type) {
      case 'watch':
        current = message;
        if (message.jobId !== null) peakMemoryBytes = 0;
        return;
      case 'every':
        ({ intervalMs } = message);
        dueAt = 0;
    }
  });
  let pending: Promise<void> = Promise.resolve();
  beat();
  tell({ type: 'beating' });
  const next = () => {
    // A checkup that was not written stays due: the next tick tries again.
    pending = pending.then(tick).catch(() => undefined);
  };
  next();
  setInterval(next, tickMs);
}

run();
