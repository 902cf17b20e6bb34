/** Owns what the worker tells of its work to whoever supervises it: what it is at, and that it goes on. */
import type { FromWorker } from '../contract/worker-messages.ts';

/** More often tells the supervisor nothing. */
const tellEveryMs = 1_000;

export type Work = Omit<Extract<FromWorker, { type: 'work' }>, 'type' | 'jobsDone'>;

export interface Progress {
  begin(work: Work): void;
  /** A counter of the present work has moved. */
  moved(): void;
  /** A job has ended. */
  jobDone(): void;
  readonly jobsDone: number;
}

export function createProgress(tell: (message: FromWorker) => void): Progress {
  let toldAt = 0;
  let jobsDone = 0;
  return {
    begin(work) {
      tell({ type: 'work', ...work, jobsDone });
    },
    moved() {
      const now = performance.now();
      if (now - toldAt < tellEveryMs) return;
      toldAt = now;
      tell({ type: 'progress' });
    },
    jobDone() {
      jobsDone += 1;
    },
    get jobsDone() {
      return jobsDone;
    },
  };
}
