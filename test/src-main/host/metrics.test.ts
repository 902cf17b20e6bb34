import { readFile } from 'node:fs/promises';
import { v7 as uuidv7 } from 'uuid';
import { expect, it, onTestFinished } from 'vitest';
import { appendEvent } from '../../../src-main/database/events.ts';
import { insertRepository } from '../../../src-main/database/repositories.ts';
import { claimNextJob, finishJob } from '../../../src-main/queue/attempt.ts';
import { addJob, addWorker } from '../../support/database-fixtures.ts';
import { startTestHost } from '../../support/engine.ts';
import { eventually } from '../../support/eventually.ts';

async function world() {
  const running = await startTestHost(onTestFinished);
  const url = new URL(running.host.url);
  const apiToken = url.hash.replace('#token=', '');
  const scrape = async (token?: string, headers: Record<string, string> = {}) => {
    const given = token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` };
    const response = await fetch(new URL('/metrics', url), { headers: given });
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };
  const call = async (path: string, method = 'POST') => {
    const response = await fetch(new URL(`/api/metrics${path}`, url), {
      method,
      headers: { authorization: `Bearer ${apiToken}`, 'content-type': 'application/json' },
      ...(method === 'POST' ? { body: '{}' } : {}),
    });
    return response.json();
  };
  return { ...running, apiToken, scrape, call };
}

/** The samples by name and labels. Throws at a line that OpenMetrics does not have, and at a sample without its family. */
function parse(text: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  expect(text.endsWith('# EOF\n')).toBe(true);
  for (const line of text.split('\n').slice(0, -2)) {
    const described = /^# (TYPE|HELP) ([a-z_]+) (.*)$/.exec(line);
    if (described) {
      const [, kind, name = '', rest = ''] = described;
      if (kind === 'TYPE') types.set(name, rest);
      continue;
    }
    const sample = /^([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (-?[0-9.e+-]+|\+Inf|NaN)$/.exec(line);
    if (!sample) throw new Error(`not OpenMetrics: ${line}`);
    const [, name = '', labels = '', value] = sample;
    const family = name.replace(/_(total|bucket|sum|count|info)$/, '');
    const type = types.get(name) ?? types.get(family);
    if (type === undefined) throw new Error(`no family: ${line}`);
    if (type === 'counter' && !name.endsWith('_total')) throw new Error(`a counter without _total: ${line}`);
    samples.set(name + labels, Number(value));
  }
  return samples;
}

it('answers to nobody until it is turned on, and then to its own token alone', async () => {
  const { scrape, call, apiToken, engine } = await world();
  expect(await call('', 'GET')).toEqual({ enabled: false });
  expect(await scrape(apiToken)).toMatchObject({ status: 401, text: expect.stringContaining('Metrics are off') });
  const { token } = await call('/enable');
  expect((await scrape(token)).status).toBe(200);
  for (const other of [undefined, apiToken, `${token}x`]) expect((await scrape(other)).status).toBe(401);
  expect((await scrape(token, { origin: 'https://evil.example' })).status).toBe(403);
  const { token: next } = await call('/enable');
  expect((await scrape(token)).status).toBe(401);
  expect((await scrape(next)).status).toBe(200);
  await call('/disable');
  expect((await scrape(next)).status).toBe(401);
  await engine.stop();
  expect((await readFile(engine.folder.databaseFile)).toString('latin1')).not.toContain(next);
});

it('tells the queue, its jobs and what failed, as OpenMetrics', async () => {
  const { scrape, call, engine } = await world();
  const { db, feed } = engine;
  const { token } = await call('/enable');
  const repositoryId = uuidv7();
  const now = Date.now();
  await insertRepository(db, {
    ...{ id: repositoryId, name: 'har"bour\\\nweb', vcs: 'git', url: 'file:///srv/none.git', branch: 'main' },
    // Not looked at while the test runs.
    ...{ nextPollAt: now + 200_000, pollFailures: 3, addedAt: now },
  });
  const worker = await addWorker(db);
  await addJob(db, repositoryId);
  await addJob(db, repositoryId);
  const claimed = await claimNextJob(db, worker, 13_000);
  if (!claimed) throw new Error('there was a job to claim');
  await finishJob(db, claimed, { status: 'succeeded', error: null, now: 53_000 });
  await appendEvent(db, { type: 'replica.failed', at: 1, repositoryId });
  feed.nudge();
  const samples = await eventually(async () => {
    const { text, type } = await scrape(token);
    expect(type).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    const found = parse(text);
    return found.get('slipway_failures_total{event="replica.failed"}') === 1 ? found : null;
  });
  const repository = 'repository="har\\"bour\\\\\\nweb"';
  expect(Object.fromEntries(samples)).toMatchObject({
    slipway_jobs_waiting: 1,
    slipway_jobs_running: 0,
    [`slipway_jobs_finished_total{${repository},status="succeeded"}`]: 1,
    [`slipway_job_wait_seconds_sum{${repository}}`]: 10,
    [`slipway_job_duration_seconds_sum{${repository}}`]: 40,
    [`slipway_job_duration_seconds_bucket{le="60",${repository}}`]: 1,
    [`slipway_job_duration_seconds_bucket{le="30",${repository}}`]: 0,
    [`slipway_poll_failures{${repository}}`]: 3,
  });
});
