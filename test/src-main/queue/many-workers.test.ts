import { once } from 'node:events';
import { expect, it } from 'vitest';
import { listEvents } from '../../../src-main/database/events.ts';
import { countJobs } from '../../../src-main/database/jobs.ts';
import { updateRepository } from '../../../src-main/database/repositories.ts';
import { startDatabaseProgram } from '../../support/child-program.ts';
import { addJob, addRepository, addWorker, testDatabase } from '../../support/database-fixtures.ts';

it('eight processes share one queue: every job once, in order, within the caps, and nobody is turned away', {
  timeout: 60_000,
}, async () => {
  const { db, file } = await testDatabase();
  const caps = new Map<string, number>();
  for (let count = 0; count < 10; count += 1) caps.set(await addRepository(db), 1 + (count % 2));
  for (const [id, concurrency] of caps) await updateRepository(db, id, { concurrency });
  const jobs = [];
  for (let turn = 0; turn < 6; turn += 1) for (const id of caps.keys()) jobs.push(await addJob(db, id));

  const workers = await Promise.all(Array.from({ length: 8 }, (_, slot) => addWorker(db, `worker ${slot}`)));
  const children = await Promise.all(workers.map(worker => startDatabaseProgram('work', file, worker.id)));
  const results = children.map(child => once(child, 'message'));
  const exits = children.map(child => once(child, 'exit'));
  for (const child of children) child.send('go');
  const done = (await Promise.all(results)).flatMap(([numbers]) => numbers as number[]);

  expect(await Promise.all(exits)).toEqual(children.map(() => [0, null]));
  expect(done.toSorted((a, b) => a - b)).toEqual(jobs.map(job => job.number));
  expect(await countJobs(db, { status: 'succeeded' })).toBe(jobs.length);
  const events = await listEvents(db, { after: 0, limit: 1_000 });
  for (const [repositoryId, cap] of caps) {
    const own = events.filter(event => event.repositoryId === repositoryId);
    const started = own.filter(event => event.type === 'job.started').map(event => event.jobId);
    expect(started).toEqual(jobs.filter(job => job.repositoryId === repositoryId).map(job => job.id));
    let running = 0;
    for (const { type } of own) {
      if (type === 'job.started') running += 1;
      if (type === 'job.finished') running -= 1;
      expect(running).toBeLessThanOrEqual(cap);
    }
  }
});
