import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, it, onTestFinished } from 'vitest';
import { appendEvent } from '../../../src-main/database/events.ts';
import { createOwnPorts } from '../../../src-main/interchange/own-ports.ts';
import { createWebhooks } from '../../../src-main/interchange/webhooks.ts';
import { anonymous } from '../../../src-main/sources/remote-access.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { addJob, addRepository, testDatabase } from '../../support/database-fixtures.ts';
import { eventually } from '../../support/eventually.ts';
import { isSignedBy, startWebhookReceiver } from '../../support/webhook-receiver.ts';

/** Webhooks on a database of their own, a clock that the test moves, and a feed that it rings. */
async function world() {
  const { db, file } = await testDatabase();
  const masterKey = randomBytes(32);
  let nowMs = Date.now();
  function start() {
    let ring: () => void = () => undefined;
    const webhooks = createWebhooks({
      db,
      feed: { onEvent: listener => (ring = listener as () => void) },
      masterKey,
      access: anonymous,
      ownPorts: createOwnPorts(),
      clock: () => nowMs,
      logger: silentLogger,
    });
    webhooks.start();
    onTestFinished(() => webhooks.stop());
    return { webhooks, ring: () => ring() };
  }
  const running = start();
  const repositoryId = await addRepository(db);
  return {
    db,
    file,
    repositoryId,
    start,
    ...running,
    pass: (ms: number) => {
      nowMs += ms;
    },
    /** Something happens to a job, and is told. */
    async happens(type: 'job.finished' | 'job.started', of = repositoryId) {
      const job = await addJob(db, of);
      await appendEvent(db, { type, at: nowMs, repositoryId: of, jobId: job.id, data: { status: 'succeeded' } });
      running.ring();
      return job;
    },
  };
}

it('sends the events that were asked for, in their order, signed, with what they are of', async () => {
  const { webhooks, happens, repositoryId, db } = await world();
  const receiver = await startWebhookReceiver();
  await happens('job.finished');
  const { id, secret } = await webhooks.add({
    url: `${receiver.origin}/hook/t0ken`,
    repositoryId,
    events: ['job.finished'],
  });
  await happens('job.started');
  await happens('job.finished', await addRepository(db));
  const jobs = [await happens('job.finished'), await happens('job.finished')];
  await eventually(() => receiver.received.length === 2);
  await eventually(async () => (await webhooks.list())[0]?.waiting === 0);
  expect(receiver.received.map(({ body }) => JSON.parse(body))).toMatchObject(
    jobs.map(({ id: jobId, number, revision }) => ({
      type: 'job.finished',
      data: { repository: { id: repositoryId, name: 'harbour' }, job: { id: jobId, number, revision } },
    })),
  );
  expect(receiver.received.map(one => [one.path, isSignedBy(secret, one)])).toEqual([
    ['/hook/t0ken', true],
    ['/hook/t0ken', true],
  ]);
  expect(await webhooks.deliveries(id, 10)).toMatchObject([
    { id: receiver.received[1]?.id, status: 'delivered', tries: 1, httpStatus: 204, error: null },
    { id: receiver.received[0]?.id, status: 'delivered' },
  ]);
});

it('tries again what was not taken, with the same id and bytes, when its time has come and not before', async () => {
  const { webhooks, happens, pass, ring } = await world();
  const receiver = await startWebhookReceiver();
  const { id } = await webhooks.add({ url: receiver.origin, events: ['job.finished'] });
  receiver.answers.push(response => response.writeHead(503, { 'retry-after': '600' }).end('busy'));
  await happens('job.finished');
  const tried = (tries: number) =>
    eventually(async () => (await webhooks.deliveries(id, 1)).find(one => one.tries === tries));
  expect(await tried(1)).toMatchObject({ status: 'waiting', httpStatus: 503, error: 'The server answered 503.' });
  pass(599_000);
  ring();
  const behind = await happens('job.finished');
  await eventually(() => receiver.received.some(({ body }) => body.includes(behind.id)));
  expect(receiver.received).toHaveLength(2);
  receiver.answers.push(response => response.socket?.destroy());
  pass(2_000);
  ring();
  const first = receiver.received[0]?.id;
  const last = () => webhooks.deliveries(id, 2).then(([, older]) => older);
  expect(await eventually(async () => ((await last())?.tries === 2 ? last() : null))).toMatchObject({
    status: 'waiting',
    httpStatus: null,
    error: expect.stringContaining('could not be reached'),
  });
  pass(60_000);
  ring();
  await eventually(async () => (await last())?.status === 'delivered');
  const same = receiver.received.filter(one => one.id === first);
  expect(same).toHaveLength(3);
  expect(new Set(same.map(({ body }) => body)).size).toBe(1);
});

it('gives up after twenty tries, says so, and sends again when a person asks', async () => {
  const { webhooks, happens, pass, ring } = await world();
  const receiver = await startWebhookReceiver();
  receiver.answers.push(
    ...(Array.from(
      { length: 20 },
      () => response => void response.writeHead(500).end(),
    ) satisfies typeof receiver.answers),
  );
  const { id } = await webhooks.add({ url: receiver.origin, events: ['job.finished'] });
  await happens('job.finished');
  for (let tries = 1; tries < 20; tries += 1) {
    await eventually(async () => (await webhooks.deliveries(id, 1))[0]?.tries === tries, { what: `try ${tries}` });
    pass(5_000_000);
    ring();
  }
  const given = await eventually(async () => (await webhooks.deliveries(id, 1)).find(one => one.status === 'failed'));
  expect(given).toMatchObject({ tries: 20, nextTryAtMs: null });
  expect(await webhooks.list()).toMatchObject([{ waiting: 0, failed: 1, deliveredAtMs: null }]);
  await webhooks.redeliver(given.id);
  await eventually(async () => (await webhooks.deliveries(id, 1))[0]?.status === 'delivered');
  expect(receiver.received).toHaveLength(21);
});

it('goes on where an engine ended: what it was sending, and what happened meanwhile', async () => {
  const { webhooks, happens, start } = await world();
  const receiver = await startWebhookReceiver();
  const { id } = await webhooks.add({ url: receiver.origin, events: ['job.finished'] });
  receiver.answers.push(() => undefined);
  await happens('job.finished');
  await eventually(() => receiver.received.length === 1);
  await webhooks.stop();
  await happens('job.finished');
  const next = start();
  await eventually(async () => (await next.webhooks.list())[0]?.waiting === 0 && receiver.received.length === 3);
  expect(receiver.received[1]?.id).toBe(receiver.received[0]?.id);
  expect(await next.webhooks.deliveries(id, 5)).toMatchObject([{ status: 'delivered' }, { status: 'delivered' }]);
});

it('lets a receiver that hangs hold up no other', async () => {
  const { webhooks, happens } = await world();
  const [slow, quick] = [await startWebhookReceiver(), await startWebhookReceiver()];
  slow.answers.push(() => undefined);
  await webhooks.add({ url: slow.origin, events: ['job.finished'] });
  await webhooks.add({ url: quick.origin, events: ['job.finished'] });
  await happens('job.finished');
  await eventually(() => slow.received.length === 1);
  await happens('job.finished');
  await eventually(() => quick.received.length === 2);
  expect(slow.received).toHaveLength(1);
});

it('follows no redirect, and says that there was one', async () => {
  const { webhooks, happens } = await world();
  const [receiver, other] = [await startWebhookReceiver(), await startWebhookReceiver()];
  receiver.answers.push(response => response.writeHead(307, { location: `${other.origin}/` }).end());
  const { id } = await webhooks.add({ url: receiver.origin, events: ['job.finished'] });
  await happens('job.finished');
  const tried = await eventually(async () => (await webhooks.deliveries(id, 1)).find(one => one.tries === 1));
  expect(tried).toMatchObject({ status: 'waiting', httpStatus: 307, error: expect.stringContaining('redirects') });
  expect(other.received).toEqual([]);
});

it('shows the server of an address alone, and keeps the rest sealed with the secret', async () => {
  const { webhooks, file, db } = await world();
  const { secret, ...shown } = await webhooks.add({
    url: 'https://hooks.example.com/services/T0/B0/h1dden?key=h1dden',
    events: ['job.finished'],
  });
  expect(shown.server).toBe('https://hooks.example.com');
  expect(JSON.stringify([shown, await webhooks.list()])).not.toContain('h1dden');
  await db.destroy();
  const kept = (await readFile(file)).toString('latin1');
  expect(kept).not.toContain('h1dden');
  expect(kept).not.toContain(secret.slice('whsec_'.length));
});

it.each(['', 'hooks.example.com', 'file:///etc/passwd', 'javascript:alert(1)', 'https://user:pass@example.com/'])(
  'refuses %j as an address',
  async url => {
    const { webhooks } = await world();
    await expect(webhooks.add({ url, events: ['job.finished'] })).rejects.toMatchObject({ code: 'input.invalid' });
    expect(await webhooks.list()).toEqual([]);
  },
);

it('refuses a repository, a webhook and a delivery that there are not', async () => {
  const { webhooks } = await world();
  const none = '01900000-0000-7000-8000-000000000000';
  const url = 'https://example.com/';
  for (const asked of [
    () => webhooks.add({ url, repositoryId: none, events: ['job.finished'] }),
    () => webhooks.remove(none),
    () => webhooks.deliveries(none, 1),
    () => webhooks.redeliver(none),
  ])
    await expect(asked()).rejects.toMatchObject({ code: 'not_found' });
});

it('sends nothing more of what was removed', async () => {
  const { webhooks, happens } = await world();
  const [gone, kept] = [await startWebhookReceiver(), await startWebhookReceiver()];
  const { id } = await webhooks.add({ url: gone.origin, events: ['job.finished'] });
  await webhooks.add({ url: kept.origin, events: ['job.finished'] });
  await webhooks.remove(id);
  await happens('job.finished');
  await eventually(() => kept.received.length === 1);
  expect(gone.received).toEqual([]);
  expect(await webhooks.list()).toHaveLength(1);
});

it('keeps the newest five hundred deliveries', async () => {
  const { webhooks, db, ring, repositoryId } = await world();
  const receiver = await startWebhookReceiver();
  const { id } = await webhooks.add({ url: receiver.origin, events: ['job.finished'] });
  const happened = async (count: number) => {
    for (let done = 0; done < count; done += 1)
      await appendEvent(db, { type: 'job.finished', at: done, repositoryId, data: {} });
    ring();
    await eventually(async () => (await webhooks.list())[0]?.waiting === 0);
  };
  const count = async () =>
    (
      await db
        .selectFrom('webhookDeliveries')
        .select(({ fn }) => fn.countAll<number>().as('all'))
        .executeTakeFirst()
    )?.all;
  await happened(520);
  await eventually(() => receiver.received.length === 520);
  await happened(1);
  await eventually(() => receiver.received.length === 521);
  expect(await count()).toBe(500);
  expect(await webhooks.deliveries(id, 1)).toMatchObject([{ id: receiver.received.at(-1)?.id }]);
});
