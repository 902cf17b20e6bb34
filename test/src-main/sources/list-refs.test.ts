import { mkdir } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { listRefs } from '../../../src-main/sources/list-refs.ts';
import { git, startGitServer } from '../../support/git-server.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const timeoutMs = 10_000;

async function gitServer(options: Parameters<typeof startGitServer>[0] = {}) {
  const server = await startGitServer(options);
  onTestFinished(() => server.stop());
  return server;
}

/** A web server that answers as told; its origin. */
async function webServer(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

const line = (text: string) => (text.length + 4).toString(16).padStart(4, '0') + text;
const advertisement = `${line('version 2\n')}${line('ls-refs\n')}0000`;
const oid = 'a'.repeat(40);

/** A protocol 2 server whose list of refs is this text. */
const refServer = (answer: RequestListener) =>
  webServer((request, response) => {
    request.resume();
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' }).end(advertisement);
    } else answer(request, response);
  });

test('lists branches and the default branch over HTTP, and one branch with two requests on one connection', async () => {
  const server = await gitServer();
  const repository = await server.createRepository('app');
  const first = await repository.commit({ 'a.txt': '1' }, 'first');
  await git(repository.folder, 'checkout', '-q', '-b', 'feature/x');
  const second = await repository.commit({ 'a.txt': '2' }, 'second');
  await git(repository.folder, 'tag', 'v1');
  await git(repository.folder, 'update-ref', 'refs/pull/1/head', second);

  expect(await listRefs({ url: repository.url, timeoutMs })).toEqual({
    defaultBranch: 'feature/x',
    branches: [
      { name: 'feature/x', revision: second },
      { name: 'main', revision: first },
    ],
    limit: null,
  });

  const before = server.requests.length;
  for (let poll = 0; poll < 3; poll++) {
    expect(await listRefs({ url: repository.url, timeoutMs, branch: 'main' })).toEqual({
      defaultBranch: 'feature/x',
      branches: [{ name: 'main', revision: first }],
      limit: null,
    });
  }
  const polls = server.requests.slice(before);
  // The server has answered before, so that it needs no discovery.
  expect(polls).toHaveLength(3);
  expect(new Set(polls.map(request => request.fromPort)).size).toBe(1);
  expect(await listRefs({ url: repository.url, timeoutMs, branch: 'gone' })).toMatchObject({ branches: [] });
});

test('reads a local path, with and without the git program', async () => {
  const server = await gitServer();
  const repository = await server.createRepository('app');
  const revision = await repository.commit({ 'a.txt': '1' }, 'first');
  await git(repository.folder, 'branch', 'other');
  const expected = {
    defaultBranch: 'main',
    branches: [
      { name: 'main', revision },
      { name: 'other', revision },
    ],
    limit: null,
  };
  const withGit = await listRefs({ url: repository.folder, timeoutMs });
  const path = process.env.PATH;
  onTestFinished(() => {
    process.env.PATH = path;
  });
  process.env.PATH = await scratchFolder();
  const withoutGit = await listRefs({ url: repository.folder, timeoutMs });
  expect(withGit).toEqual(expected);
  expect(withoutGit).toEqual(expected);
});

test('tells an empty repository from a missing one', async () => {
  const server = await gitServer();
  const repository = await server.createRepository('empty');
  const folder = await scratchFolder();
  await mkdir(join(folder, 'plain'));
  const codeOf = (url: string) => expect(listRefs({ url, timeoutMs })).rejects;
  await codeOf(repository.url).toMatchObject({ code: 'git.empty' });
  await codeOf(repository.folder).toMatchObject({ code: 'git.empty' });
  await codeOf(`${server.origin}/nothing`).toMatchObject({
    code: 'git.not_found',
    message: expect.stringContaining(`${server.origin}/nothing`),
  });
  await codeOf(join(folder, 'missing')).toMatchObject({
    code: 'git.not_found',
    message: expect.stringContaining('no such folder'),
  });
  await codeOf(join(folder, 'plain')).toMatchObject({
    code: 'git.not_found',
    message: expect.stringContaining('no Git repository'),
  });
});

test('a server that wants credentials, and one that forbids', async () => {
  const server = await gitServer({ auth: { user: 'ada', password: 'hunter2' } });
  await server.createRepository('private');
  await expect(listRefs({ url: `${server.origin}/private`, timeoutMs })).rejects.toMatchObject({
    code: 'git.auth_failed',
    message: expect.stringContaining('token'),
  });
  const forbidding = await webServer((_, response) => response.writeHead(403).end());
  await expect(listRefs({ url: `${forbidding}/x`, timeoutMs })).rejects.toMatchObject({ code: 'git.auth_failed' });
  const broken = await webServer((_, response) => response.writeHead(502).end());
  await expect(listRefs({ url: `${broken}/x`, timeoutMs })).rejects.toMatchObject({ code: 'git.unreachable' });
});

test('a server that is not there', async () => {
  const origin = await webServer(() => undefined);
  const probe = createTcpServer();
  const port = await new Promise<number>(resolve =>
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    }),
  );
  await expect(listRefs({ url: `http://127.0.0.1:${port}/app`, timeoutMs })).rejects.toMatchObject({
    code: 'git.unreachable',
    message: expect.stringContaining(`http://127.0.0.1:${port}/app`),
  });
  await expect(listRefs({ url: `${origin.replace('http:', 'https:')}/app`, timeoutMs: 2_000 })).rejects.toMatchObject({
    code: expect.stringMatching(/^git\.(unreachable|timeout)$/),
  });
});

test('a server that hangs runs out of time, before its answer and within it', async () => {
  const silent = await webServer(() => undefined);
  await expect(listRefs({ url: `${silent}/app`, timeoutMs: 200 })).rejects.toMatchObject({ code: 'git.timeout' });
  const stalling = await refServer((_, response) => response.writeHead(200).write(line(`${oid} refs/heads/main\n`)));
  await expect(listRefs({ url: `${stalling}/app`, timeoutMs: 200 })).rejects.toMatchObject({ code: 'git.timeout' });
});

test('cancelling ends it', async () => {
  const controller = new AbortController();
  const origin = await webServer(() => controller.abort());
  await expect(listRefs({ url: `${origin}/app`, timeoutMs, signal: controller.signal })).rejects.toMatchObject({
    code: 'job.cancelled',
  });
});

test('part of a list is never taken for the whole', async () => {
  const whole = line(`${oid} refs/heads/main\n`);
  const answers: [string, RequestListener][] = [
    [
      'the connection breaks',
      (_, response) => void response.writeHead(200, { 'content-length': '999' }).write(whole, () => response.destroy()),
    ],
    ['the end is missing', (_, response) => response.writeHead(200).end(whole)],
    ['a line is cut', (_, response) => response.writeHead(200).end(`${whole}0040abc`)],
    ['a line is no line', (_, response) => response.writeHead(200).end(`${whole}zzzz0000`)],
  ];
  for (const [name, answer] of answers) {
    const origin = await refServer(answer);
    await expect(listRefs({ url: `${origin}/app`, timeoutMs, branch: 'main' }), name).rejects.toMatchObject({
      code: expect.stringMatching(/^git\.(protocol|unreachable)$/),
    });
  }
});

test('a server that is known is asked once; one that answers otherwise than before is asked from the beginning', async () => {
  const whole = line(`${oid} refs/heads/main\n`);
  const bad: RequestListener[] = [
    (_, response) => void response.writeHead(200, { 'content-length': '999' }).write(whole, () => response.destroy()),
    (_, response) => response.writeHead(200).end(whole),
    (_, response) => response.writeHead(200).end(`${whole}0040abc`),
    (_, response) => response.writeHead(200).end(`${whole}0004`),
    (_, response) => response.writeHead(200).end(`${line('zz refs/heads/main')}0000`),
    (_, response) => response.writeHead(400).end(),
  ];
  for (const [index, answer] of bad.entries()) {
    let posts = 0;
    const origin = await refServer((request, response) => {
      posts += 1;
      if (posts === 3) answer(request, response);
      else response.writeHead(200).end(`${whole}0000`);
    });
    for (const expected of [1, 2, 4]) {
      const { branches } = await listRefs({ url: `${origin}/app`, timeoutMs, branch: 'main' });
      expect([branches, posts], `answer ${index}`).toEqual([[{ name: 'main', revision: oid }], expected]);
    }
  }
});

test('a server that has had enough says so, and is not asked again at once', async () => {
  let posts = 0;
  const origin = await refServer((_, response) => {
    posts += 1;
    if (posts === 2) response.writeHead(429, { 'retry-after': '30' }).end();
    else response.writeHead(200).end(`${line(`${oid} refs/heads/main\n`)}0000`);
  });
  await listRefs({ url: `${origin}/app`, timeoutMs, branch: 'main' });
  await expect(listRefs({ url: `${origin}/app`, timeoutMs, branch: 'main' })).rejects.toMatchObject({
    code: 'git.rate_limited',
    details: { retryAfterMs: 30_000 },
  });
  expect(posts).toBe(2);
});

test('an answer without end is cut off', async () => {
  const block = line(`${oid} refs/heads/${'x'.repeat(200)}\n`).repeat(1_000);
  const origin = await refServer((_, response) => {
    response.writeHead(200);
    const more = () => {
      while (!response.destroyed && response.write(block));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  });
  await expect(listRefs({ url: `${origin}/app`, timeoutMs })).rejects.toMatchObject({
    code: 'git.protocol',
    message: expect.stringContaining('MiB'),
  });
});

test('a web page is no repository, and hostile names in a list are left out', async () => {
  const page = await webServer((_, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>hello</html>'),
  );
  await expect(listRefs({ url: `${page}/app`, timeoutMs })).rejects.toMatchObject({ code: 'git.protocol' });
  const hostile = await refServer((_, response) =>
    response
      .writeHead(200)
      .end(
        `${['main', '--upload-pack=x', '../../x', 'a:b'].map(name => line(`${oid} refs/heads/${name}\n`)).join('')}${line('zz refs/heads/short\n')}0000`,
      ),
  );
  expect((await listRefs({ url: `${hostile}/app`, timeoutMs })).branches).toEqual([{ name: 'main', revision: oid }]);
  await expect(listRefs({ url: `${hostile}/app`, timeoutMs, branch: '--x' })).rejects.toMatchObject({
    code: 'input.invalid',
  });
});

test('a redirected repository is followed, request by request; one that leads elsewhere is not', async () => {
  const server = await gitServer();
  const repository = await server.createRepository('app');
  const revision = await repository.commit({ 'a.txt': '1' }, 'first');
  const origin = await webServer((request, response) => {
    const target = request.url?.startsWith('/old/')
      ? repository.url + request.url.slice('/old'.length)
      : 'http://127.0.0.1:1/login';
    request.resume();
    response.writeHead(301, { location: target }).end();
  });
  expect(await listRefs({ url: `${origin}/old`, timeoutMs, branch: 'main' })).toMatchObject({
    branches: [{ revision }],
  });
  await expect(listRefs({ url: `${origin}/other`, timeoutMs })).rejects.toMatchObject({ code: 'git.protocol' });
});
