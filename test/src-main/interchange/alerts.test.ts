/** Alerts on a real database and feed: which events of which repository raise one. */
import { expect, it, onTestFinished } from 'vitest';
import { usualAlerts } from '../../../src-main/contract/alerts.ts';
import { DomainError } from '../../../src-main/contract/errors.ts';
import { deleteAlertSwitches, readAlertSwitches } from '../../../src-main/database/alert-switches.ts';
import { createEventFeed } from '../../../src-main/database/event-feed.ts';
import { appendEvent, listEvents, type NewEvent } from '../../../src-main/database/events.ts';
import { inTransaction } from '../../../src-main/database/open-database.ts';
import { createAlerts } from '../../../src-main/interchange/alerts.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { addJob, addRepository, testDatabase } from '../../support/database-fixtures.ts';
import { eventually } from '../../support/eventually.ts';

async function world() {
  const { db } = await testDatabase();
  const clock = () => 1_000;
  async function start() {
    const feed = createEventFeed(db, silentLogger);
    const alerts = createAlerts({ db, feed, clock, logger: silentLogger });
    await alerts.start();
    await feed.start();
    const stop = async () => {
      await feed.stop();
      await alerts.stop();
    };
    onTestFinished(stop);
    return { alerts, feed, stop };
  }
  const raised = async () => {
    const events = await listEvents(db, { after: 0, limit: 500 });
    return events.filter(({ type }) => type === 'alert.raised');
  };
  return {
    db,
    start,
    raised,
    happens: (event: Omit<NewEvent, 'at'>) => appendEvent(db, { ...event, at: 1_000 }),
    /** What was raised when the last of a chain has been: alerts come in the order of their events. */
    told: (count: number) =>
      eventually(async () => {
        const all = await raised();
        return all.length >= count ? all : null;
      }),
  };
}

it('raises what the switches of the repository say, in order, with its name and where it leads', async () => {
  const { db, start, happens, told } = await world();
  const { alerts, feed } = await start();
  const [loud, still] = [await addRepository(db), await addRepository(db)];
  await alerts.setSwitches(loud, { deployed: true, recovered: false });
  await alerts.setSwitches(still, { failed: false, attention: false });
  const finished = async (repositoryId: string, status: string) =>
    happens({ type: 'job.finished', repositoryId, jobId: (await addJob(db, repositoryId)).id, data: { status } });
  await finished(still, 'failed');
  await finished(still, 'interrupted');
  await finished(loud, 'failed');
  await finished(loud, 'succeeded');
  await happens({ type: 'release.created', repositoryId: still, data: { serial: 1, channel: 'production' } });
  await happens({ type: 'release.created', repositoryId: loud, data: { serial: 4, channel: 'production' } });
  await finished(still, 'succeeded');
  feed.nudge();
  const all = await told(3);
  expect(all.map(({ repositoryId, data }) => [repositoryId, data.kind, data.title])).toEqual([
    [loud, 'failed', 'harbour: the build failed'],
    [loud, 'deployed', 'harbour: release 4 on production'],
    // Whether the failure was told or not: who hears of recoveries hears of this one.
    [still, 'recovered', 'harbour: builds again'],
  ]);
  expect(all[0]).toMatchObject({ jobId: expect.any(String), data: { hash: `#/jobs/${all[0]?.jobId}` } });
});

it('is silent of what nobody watches: a removed repository, a drill', async () => {
  const { start, happens, told } = await world();
  const { feed } = await start();
  await happens({ type: 'job.finished', repositoryId: 'gone', data: { status: 'failed' } });
  await happens({ type: 'worker.lost' });
  feed.nudge();
  expect((await told(1)).map(({ data }) => data.title)).toEqual(['Slipway: a worker was lost']);
});

it('tells after a restart of no failure that was told before it, and of its recovery', async () => {
  const { db, start, happens, told } = await world();
  const repositoryId = await addRepository(db);
  const job = await addJob(db, repositoryId);
  await db
    .updateTable('jobs')
    .set({ status: 'failed', startedAt: 1, finishedAt: 2 })
    .where('id', '=', job.id)
    .execute();
  await addJob(db, repositoryId);
  const { feed } = await start();
  await happens({ type: 'job.finished', repositoryId, jobId: job.id, data: { status: 'failed' } });
  await happens({ type: 'job.finished', repositoryId, jobId: job.id, data: { status: 'succeeded' } });
  feed.nudge();
  expect((await told(1)).map(({ data }) => data.kind)).toEqual(['recovered']);
});

it('keeps the switches of each repository apart, until it is removed', async () => {
  const { db, start } = await world();
  const { alerts } = await start();
  const [one, other] = [await addRepository(db), await addRepository(db)];
  await alerts.setSwitches(one, { failed: false });
  await alerts.setSwitches(other, { deployed: true });
  await alerts.setSwitches(one, { recovered: false });
  const kept = await readAlertSwitches(db);
  expect(kept(one)).toEqual({ ...usualAlerts, failed: false, recovered: false });
  expect(kept(other)).toEqual({ ...usualAlerts, deployed: true });
  await inTransaction(db, transaction => deleteAlertSwitches(transaction, one));
  const left = await readAlertSwitches(db);
  expect([left(one), left(other)]).toEqual([usualAlerts, { ...usualAlerts, deployed: true }]);
  await expect(alerts.setSwitches('none', { failed: true })).rejects.toThrow(DomainError);
});
