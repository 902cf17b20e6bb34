/** Owns the worker's side of its checkup thread. */

import { Worker } from 'node:worker_threads';
import { threadPath } from '../process/entry-points.ts';
import type { FromCheckup, ToCheckup } from './checkup-thread.ts';

export interface Checkup {
  /** From now on the checkup speaks for this attempt; null for none. */
  watch(attempt: { readonly jobId: string; readonly attempt: number } | null): void;
  stop(): Promise<void>;
}

/** Starts the thread. `onMessage` hears that the watched attempt was cancelled or fenced; `onFailure` that the thread ended. */
export function startCheckup(
  data: { readonly databaseFile: string; readonly workerId: string },
  onMessage: (message: FromCheckup) => void,
  onFailure: (error: Error) => void,
): Checkup {
  const thread = new Worker(threadPath('checkup-thread'), { workerData: data });
  thread.on('message', onMessage);
  thread.on('error', onFailure);
  return {
    watch: attempt =>
      thread.postMessage({ jobId: attempt?.jobId ?? null, attempt: attempt?.attempt ?? 0 } satisfies ToCheckup),
    async stop() {
      await thread.terminate();
    },
  };
}
