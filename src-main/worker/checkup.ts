/** Owns the worker's side of its checkup thread. */

import { Worker } from 'node:worker_threads';
import { threadPath } from '../process/entry-points.ts';
import type { CheckupData, FromCheckup, ToCheckup } from './checkup-thread.ts';

export interface Checkup {
  /** Settles when the first sign of life has been given. */
  readonly started: Promise<void>;
  /** From now on the checkup speaks for this attempt; null for none. */
  watch(attempt: { readonly jobId: string; readonly attempt: number } | null): void;
  /** From now on this often. */
  every(intervalMs: number): void;
  stop(): Promise<void>;
}

/** Starts the thread. `onMessage` hears what the thread tells; `onFailure` that the thread ended. */
export function startCheckup(
  data: CheckupData,
  onMessage: (message: Exclude<FromCheckup, { type: 'beating' }>) => void,
  onFailure: (error: Error) => void,
): Checkup {
  const thread = new Worker(threadPath('checkup-thread'), { workerData: data });
  const { promise: started, resolve } = Promise.withResolvers<void>();
  thread.on('message', (message: FromCheckup) => {
    if (message.type === 'beating') resolve();
    else onMessage(message);
  });
  thread.on('error', onFailure);
  const send = (message: ToCheckup) => thread.postMessage(message);
  return {
    started,
    watch: attempt => send({ type: 'watch', jobId: attempt?.jobId ?? null, attempt: attempt?.attempt ?? 0 }),
    every: intervalMs => send({ type: 'every', intervalMs }),
    async stop() {
      await thread.terminate();
    },
  };
}
