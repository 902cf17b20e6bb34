import { sql } from 'kysely';
import { expect, onTestFinished } from 'vitest';
import { type Db, openDatabaseInThread } from '../../../src-main/database/open-database.ts';
import { testDatabase } from '../../support/database-fixtures.ts';
import { describeQueueConformance, type QueueUnderTest } from '../../support/queue-conformance.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

/** The heads as the jobs say they are, found without any index or trigger. */
async function headsOfJobs(db: Db) {
  const repositories = await db.selectFrom('repositories').select(['id', 'concurrency']).orderBy('id').execute();
  const jobs = await db.selectFrom('jobs').selectAll().orderBy('number').execute();
  return repositories.map(({ id, concurrency }) => {
    const own = jobs.filter(job => job.repositoryId === id);
    const waiting = own.filter(job => job.status === 'queued');
    const running = own.filter(job => job.status === 'running').map(job => job.number);
    return {
      repositoryId: id,
      head: waiting[0]?.number ?? null,
      notBefore: waiting[0]?.notBefore ?? null,
      liftedTo: waiting.findLast(job => job.priority === 1)?.number ?? null,
      running: running.length,
      cap: concurrency,
      hasRoom: running.length < concurrency ? 1 : 0,
      runningNumbers: running,
    };
  });
}

/** `,12,15` in rising order. */
const numbersIn = (text: string) =>
  text
    .split(',')
    .slice(1)
    .map(Number)
    .sort((a, b) => a - b);

async function underTest(db: Db): Promise<QueueUnderTest> {
  // What is tested here is what is written, not that it lasts.
  await sql`pragma synchronous = off`.execute(db);
  return {
    db,
    async check() {
      const heads = await db.selectFrom('queueHeads').selectAll().orderBy('repositoryId').execute();
      const shown = heads.map(({ lineFrom: _, ...head }) => ({
        ...head,
        runningNumbers: numbersIn(head.runningNumbers),
      }));
      expect(shown).toEqual(await headsOfJobs(db));
      const waiting = await db
        .selectFrom('jobs')
        .select(['number', 'repositoryId'])
        .where('status', '=', 'queued')
        .execute();
      const byNumber = (a: { number: number }, b: { number: number }) => a.number - b.number;
      expect((await db.selectFrom('waitingJobs').selectAll().execute()).sort(byNumber)).toEqual(waiting.sort(byNumber));
      // Each job names each of its events, once and in order.
      const events = await db.selectFrom('events').select(['cursor', 'jobId']).orderBy('cursor').execute();
      const jobs = await db.selectFrom('jobs').select(['id', 'eventCursors']).execute();
      const cursorsOf = (id: string) => events.filter(({ jobId }) => jobId === id).map(({ cursor }) => cursor);
      expect(jobs.map(job => numbersIn(job.eventCursors))).toEqual(jobs.map(({ id }) => cursorsOf(id)));
    },
  };
}

describeQueueConformance('SQLite in this thread', async () => underTest((await testDatabase()).db), 40);
describeQueueConformance(
  'SQLite behind a thread',
  async () => {
    const db = openDatabaseInThread(`${await scratchFolder()}/slipway.db`);
    onTestFinished(() => db.destroy());
    return underTest(db);
  },
  10,
);
