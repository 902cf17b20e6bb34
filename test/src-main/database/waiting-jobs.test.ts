import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type JobRecord, listQueuedJobs } from '../../../src-main/database/jobs.ts';
import type { Db } from '../../../src-main/database/open-database.ts';
import { countWaiting, listFirstWaiting, placeOf } from '../../../src-main/database/waiting-jobs.ts';
import { addJob, addRepository, testDatabase } from '../../support/database-fixtures.ts';

/** As the queue's rules say it, of all waiting jobs at once. */
async function inOrder(db: Db): Promise<string[]> {
  const queued = await listQueuedJobs(db);
  const liftedTo = new Map<string, number>();
  for (const job of queued) if (job.priority === 1) liftedTo.set(job.repositoryId, job.number);
  const isLifted = (job: { repositoryId: string; number: number }) =>
    job.number <= (liftedTo.get(job.repositoryId) ?? 0);
  return [...queued.filter(isLifted), ...queued.filter(job => !isLifted(job))].map(job => job.id);
}

it('lists the first in the order in which they are served, however the lines are mixed', async () => {
  const { db } = await testDatabase();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(4), fc.nat(12)), { minLength: 1, maxLength: 12 }),
      fc.array(fc.nat(80), { maxLength: 3 }),
      fc.integer({ min: 1, max: 60 }),
      async (runs, lifted, limit) => {
        await db.deleteFrom('events').execute();
        await db.deleteFrom('jobs').execute();
        const repositories = await Promise.all(Array.from({ length: 5 }, () => addRepository(db)));
        const jobs: JobRecord[] = [];
        for (const [line, count] of runs) {
          for (let index = 0; index < count; index += 1) jobs.push(await addJob(db, repositories[line] ?? ''));
        }
        const ids = lifted.flatMap(index => jobs[index]?.id ?? []);
        for (const id of ids) await db.updateTable('jobs').set({ priority: 1 }).where('id', '=', id).execute();
        const expected = await inOrder(db);
        expect((await listFirstWaiting(db, limit)).map(({ id }) => id)).toEqual(expected.slice(0, limit));
        const last = jobs.at(-1);
        if (last) expect(await placeOf(db, last)).toBe(expected.indexOf(last.id) + 1);
      },
    ),
    { numRuns: 15 },
  );
});

it('counts the waiting jobs of one repository', async () => {
  const { db } = await testDatabase();
  const [some, none] = [await addRepository(db), await addRepository(db)];
  for (let index = 0; index < 3; index += 1) await addJob(db, some);
  expect([await countWaiting(db, some), await countWaiting(db, none)]).toEqual([3, 0]);
});
