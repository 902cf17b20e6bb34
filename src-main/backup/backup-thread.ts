/** Owns the thread in which a backup is made: reading, hashing and compressing hold up no event loop that coordinates. */
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { DomainError, messageOf } from '../contract/errors.ts';
import type { BackupMessage } from './backup-in-thread.ts';
import { writeBackup } from './write-backup.ts';

const { request, scratch } = z
  .object({ request: z.object({ root: z.string(), file: z.string(), artifacts: z.boolean() }), scratch: z.string() })
  .parse(workerData);

/** Progress is for people: more often says no more. */
const tellEveryMs = 200;

const tell = (message: BackupMessage) => parentPort?.postMessage(message);
const stopping = new AbortController();
parentPort?.once('message', () => stopping.abort());

let toldAt = 0;
writeBackup(request, {
  scratch,
  now: Date.now,
  signal: stopping.signal,
  onProgress: progress => {
    if (performance.now() - toldAt < tellEveryMs && progress.doneBytes < progress.totalBytes) return;
    toldAt = performance.now();
    tell({ progress });
  },
})
  .then(
    result => tell({ result }),
    error => tell({ error: viewOf(error) }),
  )
  .finally(() => parentPort?.close());

function viewOf(error: unknown) {
  if (error instanceof DomainError) return error.toView();
  if (stopping.signal.aborted) return new DomainError('job.cancelled', 'The backup was broken off.').toView();
  return new DomainError('internal', `The backup failed: ${messageOf(error)}`).toView();
}
