/** Owns the list of jobs as it grows downwards: pages joined, newest first, each job once. Knows no component. */
import type { JobStatus, JobSummary } from '../../../src-main/contract/views/job.ts';
import type { SelectOption } from '../../ui/select.tsx';

export type StatusFilter = JobStatus | 'all';

export const statusOptions: readonly SelectOption<StatusFilter>[] = [
  { value: 'all', label: 'All jobs' },
  { value: 'running', label: 'Running' },
  { value: 'queued', label: 'Waiting' },
  { value: 'failed', label: 'Failed' },
  { value: 'interrupted', label: 'Interrupted' },
  { value: 'succeeded', label: 'Succeeded' },
  { value: 'cancelled', label: 'Cancelled' },
];

/** Newest first, each job once; of two versions of a job the one in `newer` counts. */
export function joinJobs(newer: readonly JobSummary[], older: readonly JobSummary[]): readonly JobSummary[] {
  const byId = new Map<string, JobSummary>();
  for (const job of older) byId.set(job.id, job);
  for (const job of newer) byId.set(job.id, job);
  return [...byId.values()].sort((left, right) => right.number - left.number);
}

/** Puts a job's newest version in its place; jobs that are not in the list do not enter it. */
export function replaceJob(jobs: readonly JobSummary[], job: JobSummary): readonly JobSummary[] {
  return jobs.some(item => item.id === job.id) ? jobs.map(item => (item.id === job.id ? job : item)) : jobs;
}
