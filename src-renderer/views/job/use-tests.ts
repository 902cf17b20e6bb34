/** Owns reading a page of an attempt's tests, kept current while its steps end. */
import type { TestOutcome, TestPage } from '../../../src-main/contract/test-results.ts';
import { client } from '../../client/client.ts';
import { type Query, useQuery } from '../../state/use-query.ts';

const pageSize = 50;

/** The page that begins at `after`; of every outcome where `outcome` is null. */
export function useTests(id: string, attempt: number, outcome: TestOutcome | null, after: number): Query<TestPage> {
  const read = () => client.jobs.tests({ id, attempt, outcome: outcome ?? undefined, after, limit: pageSize });
  return useQuery(`tests:${id}:${attempt}:${outcome}:${after}`, read, ['job'], { jobId: id, enabled: attempt > 0 });
}
