/** Owns a backup beside the event loop of whoever wants it: in a thread, with its progress, and broken off by a signal. */
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import type { BackupResult } from '../contract/backup.ts';
import { DomainError, type ErrorView } from '../contract/errors.ts';
import { dataFolder } from '../domain/data-folder.ts';
import { threadPath } from '../process/entry-points.ts';
import type { BackupProgress, BackupRequest } from './write-backup.ts';

export type BackupMessage =
  | { readonly progress: BackupProgress }
  | { readonly result: BackupResult }
  | { readonly error: ErrorView };

/** Throws what `writeBackup` throws, and `job.cancelled` when `signal` is aborted. */
export async function backupInThread(
  request: BackupRequest,
  options: { readonly signal: AbortSignal; readonly onProgress: (progress: BackupProgress) => void },
): Promise<BackupResult> {
  const { signal, onProgress } = options;
  const { work } = dataFolder(request.root);
  await mkdir(work, { recursive: true, mode: 0o700 });
  const scratch = `${work}/backup-${randomUUID()}.db`;
  const thread = new Worker(threadPath('backup-thread'), { workerData: { request, scratch } });
  const stop = () => thread.postMessage('stop');
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await new Promise<BackupResult>((resolve, reject) => {
      thread.on('message', (message: BackupMessage) => {
        if ('progress' in message) onProgress(message.progress);
        else if ('result' in message) resolve(message.result);
        else reject(DomainError.fromView(message.error));
      });
      thread.once('error', reject);
      thread.once('exit', () => reject(new Error('The thread that makes the backup has ended.')));
    });
  } finally {
    signal.removeEventListener('abort', stop);
    await thread.terminate();
  }
}
