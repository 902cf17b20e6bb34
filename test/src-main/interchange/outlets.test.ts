import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, it, onTestFinished } from 'vitest';
import { insertSteps } from '../../../src-main/database/attempts.ts';
import { appendEvent } from '../../../src-main/database/events.ts';
import { findJob } from '../../../src-main/database/jobs.ts';
import { createOwnPorts } from '../../../src-main/interchange/own-ports.ts';
import { createWebhooks } from '../../../src-main/interchange/webhooks.ts';
import { createGitAccesses } from '../../../src-main/queue/git-accesses.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { addJob, addRepository, testDatabase } from '../../support/database-fixtures.ts';
import { eventually } from '../../support/eventually.ts';
import { startWebhookReceiver } from '../../support/webhook-receiver.ts';

const token = 'glpat-very-secret';

async function world() {
  const { db, file } = await testDatabase();
  const masterKey = randomBytes(32);
  let nowMs = Date.now();
  let ring: () => void = () => undefined;
  const clock = () => nowMs;
  const access = createGitAccesses({ db, masterKey, clock, knownHostsFile: `${file}.hosts` });
  const ownPorts = createOwnPorts();
  const webhooks = createWebhooks({
    ...{ db, masterKey, access, ownPorts, clock, logger: silentLogger },
    feed: { onEvent: listener => (ring = listener as () => void) },
  });
  webhooks.start();
  onTestFinished(() => webhooks.stop());
  const receiver = await startWebhookReceiver();
  const repositoryId = await addRepository(db, 'https://git.example.com/team/app.git');
  await access.set(receiver.origin, { kind: 'token', token });
  return {
    ...{ db, file, webhooks, access, ownPorts, receiver, repositoryId },
    pass: (ms: number) => {
      nowMs += ms;
      ring();
    },
    async happens(type: 'job.started' | 'job.finished', jobId: string, status = 'succeeded') {
      await appendEvent(db, { type, at: nowMs, repositoryId, jobId, data: { status } });
      ring();
    },
    said: () =>
      receiver.received.map(({ path, body, headers }) => ({ path, auth: headers.authorization, ...JSON.parse(body) })),
  };
}

it.each([
  ['github', '/repos/team/app/statuses/', `Bearer ${token}`, ['pending', 'failure']],
  ['gitea', '/repos/team/app/statuses/', `token ${token}`, ['pending', 'failure']],
  ['gitlab', '/projects/team%2Fapp/statuses/', `Bearer ${token}`, ['running', 'failed']],
] as const)('tells %s a state of each job, with the token of its host', async (forge, path, auth, states) => {
  const { db, webhooks, receiver, repositoryId, happens, said } = await world();
  const targetUrl = 'https://ci.example.com/{job}/{revision}';
  const added = await webhooks.addStatus({
    repositoryId,
    forge,
    apiUrl: receiver.origin,
    targetUrl,
    context: 'slipway',
  });
  expect(added).toMatchObject({ kind: 'status', server: receiver.origin });
  const { id, number, revision } = await addJob(db, repositoryId);
  await happens('job.started', id);
  await eventually(() => receiver.received.some(({ body }) => body.includes(states[0])));
  await happens('job.finished', id, 'failed');
  await eventually(() => receiver.received.some(({ body }) => body.includes(states[1])));
  const told = said().filter(({ state }) => state === states[0] || state === states[1]);
  expect(told.at(-1)).toMatchObject({
    ...{ path: `${path}${revision}`, auth, state: states[1], description: `Job #${number} failed` },
    target_url: `https://ci.example.com/${number}/${revision}`,
  });
});

it('tells Bitbucket with the address that it wants, and a password as one', async () => {
  const { db, webhooks, access, receiver, repositoryId, happens, said } = await world();
  await access.set(receiver.origin, { kind: 'token', user: 'ada', token });
  await webhooks.addStatus({ repositoryId, forge: 'bitbucket', apiUrl: receiver.origin, context: 'slipway' });
  const { id, revision } = await addJob(db, repositoryId);
  await happens('job.finished', id);
  await eventually(() => receiver.received.some(({ body }) => body.includes('SUCCESSFUL')));
  expect(said().at(-1)).toMatchObject({
    path: `/repositories/team/app/commit/${revision}/statuses/build`,
    auth: `Basic ${Buffer.from(`ada:${token}`).toString('base64')}`,
    ...{ state: 'SUCCESSFUL', key: 'slipway', url: `https://bitbucket.org/team/app/commits/${revision}` },
  });
});

it('tries a status again, and never puts an older state over a newer one', async () => {
  const { db, file, webhooks, receiver, repositoryId, happens, pass, said } = await world();
  const { id: webhookId } = await webhooks.addStatus({
    repositoryId,
    forge: 'github',
    apiUrl: receiver.origin,
    context: 'slipway',
  });
  const { id } = await addJob(db, repositoryId);
  await eventually(() => receiver.received.length === 1);
  receiver.answers.push(response => void response.writeHead(503).end());
  await happens('job.started', id);
  await eventually(() => receiver.received.length === 2);
  await happens('job.finished', id);
  await eventually(() => receiver.received.length === 3);
  pass(3_600_000);
  const deliveries = await eventually(async () => {
    const all = await webhooks.deliveries(webhookId, 10);
    return all.every(({ status }) => status !== 'waiting') ? all : null;
  });
  expect(deliveries.map(({ event, status, error }) => [event, status, error])).toEqual([
    ['job.finished', 'delivered', null],
    ['job.started', 'failed', 'A newer state of the commit took its place.'],
    ['job.queued', 'delivered', null],
  ]);
  expect(said().map(({ state }) => state)).toEqual(['pending', 'pending', 'success']);
  await webhooks.redeliver(deliveries[0]?.id ?? '');
  await eventually(() => receiver.received.length === 4);
  for (const path of [file, `${file}-wal`]) {
    expect((await readFile(path).catch(() => Buffer.alloc(0))).includes(token)).toBe(false);
  }
});

it('says which token is missing, and takes none to another host or in clear', async () => {
  const { db, webhooks, access, receiver, repositoryId, happens } = await world();
  const status = { repositoryId, forge: 'github', context: 'slipway' } as const;
  await expect(webhooks.addStatus({ repositoryId, context: 'slipway' })).rejects.toMatchObject({
    code: 'input.invalid',
  });
  await expect(webhooks.addStatus({ ...status, apiUrl: 'https://api.example.org' })).rejects.toMatchObject({
    code: 'secret.missing',
    message: expect.stringContaining('slipway git access set api.example.org'),
  });
  await expect(webhooks.addStatus({ ...status, apiUrl: 'http://git.example.org' })).rejects.toThrow('only over https');
  await expect(
    webhooks.addTraces({ url: 'http://otel.example.org', headers: [{ name: 'api-key', value: 'x' }] }),
  ).rejects.toThrow('only over https');
  const { id: webhookId } = await webhooks.addStatus({ ...status, apiUrl: receiver.origin });
  await access.remove(receiver.origin);
  const { id } = await addJob(db, repositoryId);
  await happens('job.finished', id);
  const [newest] = await eventually(async () => {
    const all = await webhooks.deliveries(webhookId, 10);
    return all.some(({ error }) => error !== null) ? all.filter(({ error }) => error !== null) : null;
  });
  expect(newest).toMatchObject({ error: expect.stringContaining('No token is set for 127.0.0.1') });
  expect(receiver.received).toEqual([]);
});

it.each(['127.0.0.1', 'localhost', '[::1]', '0.0.0.0', '127.1', '2130706433'])(
  'posts nothing to the API of its own engine, named %s',
  async host => {
    const { webhooks, ownPorts, db, repositoryId, receiver, happens } = await world();
    ownPorts.reserve(4780);
    await expect(webhooks.add({ url: `http://${host}:4780/api/stop`, events: ['job.finished'] })).rejects.toThrow(
      "Slipway's own API",
    );
    // Of an earlier engine, whose port this one has now.
    const { id: webhookId } = await webhooks.add({ url: `${receiver.origin}/hook`, events: ['job.finished'] });
    ownPorts.reserve(Number(new URL(receiver.origin).port));
    const { id } = await addJob(db, repositoryId);
    await happens('job.finished', id);
    await eventually(async () => (await webhooks.deliveries(webhookId, 1))[0]?.error?.includes("Slipway's own API"));
    expect(receiver.received).toEqual([]);
  },
);

it('sends a trace of a finished job, its steps as spans, with the headers of the collector', async () => {
  const { db, webhooks, receiver, repositoryId, happens, said } = await world();
  await webhooks.addTraces({ url: receiver.origin, headers: [{ name: 'X-Api-Key', value: 'k3y' }] });
  await expect(webhooks.addTraces({ url: receiver.origin, headers: [{ name: 'Host', value: 'x' }] })).rejects.toThrow(
    'cannot be chosen',
  );
  const { id, number } = await addJob(db, repositoryId);
  const step = {
    jobId: id,
    attempt: 1,
    phase: 'test',
    command: 'curl -H secret',
    idempotent: 1,
    evidence: '[]',
    logOffset: 0,
    detail: null,
  } as const;
  await db
    .updateTable('jobs')
    .set({ status: 'running', attempt: 1, workerId: 'w', startedAt: 4_000 })
    .where('id', '=', id)
    .execute();
  await db.updateTable('jobs').set({ status: 'failed', finishedAt: 9_000 }).where('id', '=', id).execute();
  await insertSteps(db, [
    { ...step, position: 0, name: 'Install', status: 'succeeded', startedAt: 4_500, finishedAt: 5_000, exitCode: 0 },
    { ...step, position: 1, name: 'Test', status: 'failed', startedAt: 5_000, finishedAt: 8_500, exitCode: 3 },
    { ...step, position: 2, name: 'Pack', status: 'pending', startedAt: null, finishedAt: null, exitCode: null },
  ]);
  expect(await findJob(db, id)).toMatchObject({ status: 'failed' });
  await happens('job.finished', id, 'failed');
  await eventually(() => receiver.received.length === 1);
  const [{ path, resourceSpans }] = said();
  expect(path).toBe('/v1/traces');
  expect(receiver.received[0]?.headers).toMatchObject({ 'x-api-key': 'k3y', 'content-type': 'application/json' });
  const { spans } = resourceSpans[0].scopeSpans[0];
  expect(new Set(spans.map((span: { traceId: string }) => span.traceId))).toEqual(new Set([id.replaceAll('-', '')]));
  expect(spans.every((span: { spanId: string }) => /^[0-9a-f]{16}$/.test(span.spanId))).toBe(true);
  const [root, queue, attempt, install, test] = spans;
  expect(root).toMatchObject({
    name: `harbour #${number}`,
    startTimeUnixNano: '3000000000',
    endTimeUnixNano: '9000000000',
    status: { code: 2 },
  });
  expect(queue).toMatchObject({ name: 'queue', parentSpanId: root.spanId, endTimeUnixNano: '4000000000' });
  expect(install).toMatchObject({ name: 'Install', parentSpanId: attempt.spanId, status: { code: 1 } });
  expect(test).toMatchObject({ name: 'Test', parentSpanId: attempt.spanId, status: { code: 2 } });
  expect(test.attributes).toContainEqual({ key: 'process.exit.code', value: { intValue: '3' } });
  expect(receiver.received[0]?.body).not.toContain('secret');
  expect(spans).toHaveLength(5);
});
