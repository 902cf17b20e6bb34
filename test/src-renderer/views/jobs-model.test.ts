/** Tests how pages of jobs become one list. */
import { describe, expect, it } from 'vitest';
import { joinJobs, replaceJob } from '../../../src-renderer/views/jobs/jobs-model.ts';
import { jobFixture } from '../../support/view-fixtures.ts';

describe('the list of jobs', () => {
  it('joins pages, newest first, the newer version of a job winning', () => {
    const old = jobFixture({ number: 1, status: 'running' });
    const page = [jobFixture({ number: 3 }), { ...old, status: 'succeeded' as const }];
    const joined = joinJobs(page, [old, jobFixture({ number: 2 })]);
    expect(joined.map(job => [job.number, job.status])).toEqual([
      [3, 'succeeded'],
      [2, 'succeeded'],
      [1, 'succeeded'],
    ]);
  });

  it('replaces a job in its place and lets no other in', () => {
    const job = jobFixture();
    expect(replaceJob([job], { ...job, status: 'failed' })[0]?.status).toBe('failed');
    expect(replaceJob([job], jobFixture())).toEqual([job]);
  });
});
