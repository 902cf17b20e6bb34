/** Owns what a job's status looks like and is called. */
import type { JobStatus, JobSummary } from '../../src-main/contract/views/job.ts';
import type { VisualState } from '../../src-main/contract/views/state.ts';

export function jobState(status: JobStatus): VisualState {
  switch (status) {
    case 'queued':
    case 'cancelled':
      return 'pending';
    case 'running':
      return 'running';
    case 'succeeded':
      return 'verified';
    case 'failed':
      return 'failed';
    case 'interrupted':
      return 'stale';
  }
}

/** The share of a running job that is done, from its expected end; null where no history tells. */
export function jobProgress(job: Pick<JobSummary, 'startedAtMs' | 'etaMs' | 'status'>, nowMs: number): number | null {
  if (job.status !== 'running' || job.startedAtMs === null || job.etaMs === null) return null;
  const wholeMs = job.etaMs - job.startedAtMs;
  if (wholeMs <= 0) return null;
  return Math.min(0.97, Math.max(0.03, (nowMs - job.startedAtMs) / wholeMs));
}

/** What happens to a job now, or how it ended: `test failed`, `2nd in line`, `succeeded`. */
export function jobWords(job: JobSummary): string {
  switch (job.status) {
    case 'queued':
      return job.position === null ? 'far back in line' : `${ordinal(job.position)} in line`;
    case 'running':
      return job.currentStep ?? 'running';
    case 'failed':
      return job.currentStep ? `${job.currentStep} failed` : 'failed';
    case 'succeeded':
    case 'cancelled':
    case 'interrupted':
      return job.status;
  }
}

/** `1st`, `2nd`, `3rd`, `11th`. */
export function ordinal(place: number): string {
  const tail = place % 100;
  if (tail >= 11 && tail <= 13) return `${place}th`;
  return `${place}${['th', 'st', 'nd', 'rd'][place % 10] ?? 'th'}`;
}
