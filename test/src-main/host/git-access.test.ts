import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { findJob, listJobs } from '../../../src-main/database/jobs.ts';
import { findRepository } from '../../../src-main/database/repositories.ts';
import { isFinished } from '../../../src-main/domain/job-states.ts';
import { changeBuildDefaults } from '../../../src-main/queue/build-defaults.ts';
import { startTestHost } from '../../support/engine.ts';
import { eventually } from '../../support/eventually.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { type GitServer, startGitServer, type TestRepository } from '../../support/git-server.ts';

const onEnd = endsWithFile();
const token = 'glpat-a-token-that-nobody-else-may-see';
const auth = { user: 'ada', password: token };
/** The token as it is, and as HTTP carries it. */
const traces = [token, Buffer.from(`ada:${token}`).toString('base64')];

let test: Awaited<ReturnType<typeof startTestHost>>;
let server: GitServer;
let source: TestRepository;
let host: string;
let repositoryId: string;

beforeAll(async () => {
  server = await startGitServer({ auth });
  onEnd(() => server.stop());
  host = new URL(server.origin).host;
  source = await server.createRepository('private');
  await source.commit(
    { 'slipway.yml': 'steps:\n  - run: mkdir dist && cp a.txt dist\nartifact: [dist]\n', 'a.txt': '1' },
    'First',
  );
  test = await startTestHost(onEnd, { workers: 1 });
  await changeBuildDefaults(test.engine.db, { isolation: 'none', keepFreeBytes: 0 });
});

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
  const url = new URL(test.host.url);
  const response = await fetch(new URL(`/api${path}`, url), {
    method,
    headers: { authorization: `Bearer ${url.hash.replace('#token=', '')}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}
const setToken = (secret: string) =>
  call('POST', '/git-access', { host, access: { kind: 'token', user: 'ada', token: secret } });

/** What ended well of these sources. */
async function builtJob(revision: string) {
  return eventually(
    async () => {
      const found = (await listJobs(test.engine.db, { repositoryId, limit: 50 })).find(
        job => job.revision === revision,
      );
      const job = found && (await findJob(test.engine.db, found.id));
      return job && isFinished(job.status) ? job : null;
    },
    { what: `the end of the job of ${revision}` },
  );
}

it('says which command opens a private repository, with no token and with a wrong one', async () => {
  const refused = { text: expect.stringContaining(`slipway git access set ${host}`) };
  expect(await call('POST', '/repositories', { url: source.url })).toMatchObject(refused);
  expect(await setToken('wrong')).toMatchObject({ status: 200, text: expect.not.stringContaining('wrong') });
  const wrong = await call('POST', '/repositories', { url: source.url });
  expect(wrong).toMatchObject(refused);
  expect(JSON.parse(wrong.text)).toMatchObject({ data: { code: 'git.auth_failed' } });
});

it('adds, polls and builds a private repository with its token', async () => {
  expect(await setToken(token)).toMatchObject({ status: 200 });
  const added = await call('POST', '/repositories', { url: source.url });
  expect(added).toMatchObject({ status: 200 });
  repositoryId = JSON.parse(added.text).id;
  const second = await source.commit({ 'a.txt': '2' }, 'Second');
  await test.engine.poller.pollNow(repositoryId);
  expect(await builtJob(second)).toMatchObject({ status: 'succeeded' });
});

it('looks again at what could not be read, as soon as its login is right', async () => {
  await setToken('outdated');
  await test.engine.poller.pollNow(repositoryId);
  const errorOf = async () => (await findRepository(test.engine.db, repositoryId))?.pollError ?? null;
  expect(await errorOf()).toContain('git.auth_failed');
  await setToken(token);
  await eventually(async () => (await errorOf()) === null, { what: 'a poll without an error' });
});

it('shows whose login it is and never its token, on no way', async () => {
  expect(JSON.parse((await call('GET', '/git-access')).text)).toEqual([
    { host, kind: 'token', user: 'ada', setAtMs: expect.any(Number) },
  ]);
  const answers = await Promise.all(
    ['/git-access', '/events', '/overview', '/repositories'].map(path => call('GET', path)),
  );
  const texts = answers.map(({ text }) => text);
  for (const entry of await readdir(`${test.folder}/data`, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) texts.push(await readFile(join(entry.parentPath, entry.name), 'latin1'));
  }
  for (const trace of traces) expect(texts.filter(text => text.includes(trace))).toEqual([]);
});

it('does not open a login that was moved to another host', async () => {
  const { db, gitAccesses } = test.engine;
  const row = await db.selectFrom('gitAccesses').selectAll().executeTakeFirstOrThrow();
  await db
    .insertInto('gitAccesses')
    .values({ ...row, host: '127.0.0.2' })
    .execute();
  await gitAccesses.set('unrelated.test', { kind: 'system' });
  await expect(gitAccesses.loginFor('http://127.0.0.2/app')).rejects.toMatchObject({ code: 'secret.key_unreadable' });
  await gitAccesses.remove('127.0.0.2');
});

it('forgets a login, and refuses what is none', async () => {
  expect(await call('POST', '/git-access/remove', { host: server.origin })).toMatchObject({ status: 200 });
  expect(await call('POST', '/git-access/remove', { host })).toMatchObject({ status: 404 });
  const bad = [
    { host: 'a b', access: { kind: 'system' } },
    { host: 'ada:pw@example.test', access: { kind: 'system' } },
    { host: 'example.test', access: { kind: 'token', token: 'a\r\nHost: evil' } },
    { host: 'example.test', access: { kind: 'token', token: '' } },
    { host: 'example.test', access: { kind: 'token', user: 'a:b', token: 'x' } },
    { host: 'example.test', access: { kind: 'token', user: 'a\nb', token: 'x' } },
  ];
  for (const body of bad) {
    const { status } = await call('POST', '/git-access', body);
    expect(status, JSON.stringify(body)).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  }
});
