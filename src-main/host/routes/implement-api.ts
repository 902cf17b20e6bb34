/** Owns what the routes share: the contract that they implement, and answers that several give. */
import { implement } from '@orpc/server';
import { api } from '../../contract/api.ts';
import type { JobSummary } from '../../contract/views/job.ts';
import type { Engine } from '../../engine.ts';
import { jobSummaries, mustFindJob } from '../views/job-views.ts';
import { takeSnapshot } from '../views/snapshot.ts';
import { toWire } from './wire-errors.ts';

/** The contract to be implemented: whatever a call throws reaches its caller in our words. */
export function implementApi(engine: Engine) {
  return implement(api).use(async ({ next }) => {
    try {
      return await next();
    } catch (error) {
      throw toWire(engine, error);
    }
  });
}
export type ApiImplementer = ReturnType<typeof implementApi>;

export const done = { done: true } as const;

export async function summaryOf(engine: Engine, id: string): Promise<JobSummary> {
  const [summary] = await jobSummaries(engine, await takeSnapshot(engine), [await mustFindJob(engine, id)]);
  if (!summary) throw new Error('a job has a summary');
  return summary;
}
