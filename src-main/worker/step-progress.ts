/** Owns what a step tells of how far it is: bytes, rate and the time that it will take, seldom enough to cost nothing. */
import type { Clock } from '../domain/clock.ts';
import { formatSize } from '../domain/format-size.ts';

/** A step that ends sooner tells nothing on the way. */
const firstAfterMs = 1_000;
/** Later on it tells once for this share of its time, so that an hour leaves fewer than three hundred traces. */
const againAfterShare = 0.02;

function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `done` and `total` in bytes, `elapsedMs` since the work began. The rate is that of the whole time. */
export function describeProgress(done: number, total: number, elapsedMs: number): string {
  const bytesPerSecond = (done / Math.max(1, elapsedMs)) * 1_000;
  const parts = [`${formatSize(done)} of ${formatSize(total)}`, `${formatSize(bytesPerSecond)}/s`];
  if (done > 0 && done < total) parts.push(`about ${formatDuration((total - done) / bytesPerSecond)} to go`);
  return parts.join(', ');
}

export interface StepProgress {
  /** In bytes; may be called as often as one likes. */
  readonly report: (done: number, total: number) => void;
  /** Nothing is told after it resolves. */
  settle(): Promise<void>;
  hasTold(): boolean;
}

/** `tell` gets the text; one call at a time, and what it throws is nobody's concern: the end of the step says what counts. */
export function createStepProgress(clock: Clock, tell: (text: string) => Promise<void>): StepProgress {
  const startedAt = clock();
  let nextAt = startedAt + firstAfterMs;
  let telling: Promise<void> | null = null;
  let isSettled = false;
  let hasTold = false;
  return {
    report(done, total) {
      const now = clock();
      if (now < nextAt || telling !== null || isSettled) return;
      nextAt = now + Math.max(firstAfterMs, (now - startedAt) * againAfterShare);
      hasTold = true;
      telling = tell(describeProgress(done, total, now - startedAt))
        .catch(() => undefined)
        .finally(() => {
          telling = null;
        });
    },
    async settle() {
      isSettled = true;
      await telling;
    },
    hasTold: () => hasTold,
  };
}
