import { chmod, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { findGit } from '../../../src-main/sources/git-cli.ts';
import { listRefs } from '../../../src-main/sources/list-refs.ts';
import { createMirror } from '../../../src-main/sources/mirror.ts';
import { defaultUser, mayCarryLogin, parseAccessHost } from '../../../src-main/sources/remote-access.ts';
import { createSystemLogins } from '../../../src-main/sources/system-login.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { type GitServer, startGitServer, type TestRepository } from '../../support/git-server.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const onEnd = endsWithFile();
const timeoutMs = 60_000;
const login = { user: 'ada', token: 'open-sesame' };
const access = { loginFor: async () => login, knownHostsFile: null };

let server: GitServer;
let source: TestRepository;
let revision: string;

beforeAll(async () => {
  server = await startGitServer({ auth: { user: login.user, password: login.token } });
  onEnd(() => server.stop());
  source = await server.createRepository('app');
  revision = await source.commit({ 'a.txt': '1' }, 'First');
});

/** A server that answers each request as it is told; which logins it was sent. */
async function startServer(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const logins: (string | undefined)[] = [];
  const other = createServer((request, response) => {
    logins.push(request.headers.authorization);
    request.resume();
    answer(request, response);
  });
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>(resolve => {
        other.close(() => resolve());
        other.closeAllConnections();
      }),
  );
  return { origin: `http://127.0.0.1:${(other.address() as AddressInfo).port}`, logins };
}

async function newMirror(url: string, gitPath: string | null) {
  const folder = await scratchFolder();
  return createMirror({ folder: join(folder, 'm.git'), url, gitPath, logger: silentLogger, access });
}

describe.each(['git', 'isomorphic-git'])('a login with %s', program => {
  const gitPath = async () => (program === 'git' ? await findGit() : null);

  it('opens a private repository', async () => {
    expect(await listRefs({ url: source.url, timeoutMs, access })).toMatchObject({ defaultBranch: 'main' });
    const mirror = await newMirror(source.url, await gitPath());
    expect(await mirror.fetch({ branch: 'main' })).toEqual({ revision });
  });

  it('never follows a redirect to another server', async () => {
    // It plays the repository, so that git would go on to ask it for objects. Source: gitprotocol-http(5).
    const line = `${revision} refs/heads/main\0agent=thief\n`;
    const list = `001e# service=git-upload-pack\n0000${(line.length + 4).toString(16).padStart(4, '0')}${line}0000`;
    const type = { 'content-type': 'application/x-git-upload-pack-advertisement' };
    const thief = await startServer((request, response) => {
      if (request.method === 'GET') response.writeHead(200, type).end(list);
      else response.writeHead(401).end();
    });
    const moved = await startServer((request, response) =>
      response.writeHead(302, { location: `${thief.origin}${request.url}` }).end(),
    );
    const url = `${moved.origin}/app`;
    expect(await listRefs({ url, timeoutMs, access })).toMatchObject({ branches: [{ revision }] });
    const mirror = await newMirror(url, await gitPath());
    await expect(mirror.fetch({ branch: 'main' })).rejects.toMatchObject({ code: expect.stringMatching(/^git\./) });
    expect(thief.logins.length).toBeGreaterThan(0);
    expect(thief.logins.filter(sent => sent !== undefined)).toEqual([]);
    expect(moved.logins).toContainEqual(expect.stringMatching(/^Basic /));
  });

  it('does not come back to its server over another one', async () => {
    let returned = 0;
    const home = await startServer((request, response) => {
      if (request.url?.startsWith('/other')) {
        returned += 1;
        response.writeHead(401).end();
      } else response.writeHead(302, { location: `${detour.origin}${request.url}` }).end();
    });
    const detour = await startServer((request, response) =>
      response.writeHead(302, { location: `${home.origin}/other${request.url}` }).end(),
    );
    await expect(listRefs({ url: `${home.origin}/app`, timeoutMs, access })).rejects.toMatchObject({
      code: 'git.auth_failed',
    });
    expect(returned).toBe(1);
    expect(home.logins.at(-1)).toBeUndefined();
  });

  it('follows a repository that was renamed on its server', async () => {
    const renamed = await startServer(async (request, response) => {
      if (request.url?.startsWith('/old/')) {
        response.writeHead(301, { location: request.url.replace('/old/', '/app/.git/') }).end();
        return;
      }
      const { authorization = '' } = request.headers;
      const headers = { authorization, 'git-protocol': String(request.headers['git-protocol'] ?? '') };
      const type = request.headers['content-type'];
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const answer = await fetch(`${server.origin}${request.url}`, {
        method: request.method ?? 'GET',
        headers: { ...headers, ...(type === undefined ? {} : { 'content-type': type }) },
        ...(request.method === 'POST' ? { body: Buffer.concat(chunks) } : {}),
      });
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
      response.end(Buffer.from(await answer.arrayBuffer()));
    });
    const url = `${renamed.origin}/old`;
    expect(await listRefs({ url, timeoutMs, access })).toMatchObject({ branches: [{ revision }] });
    const mirror = await newMirror(url, await gitPath());
    expect(await mirror.fetch({ branch: 'main' })).toEqual({ revision });
  });
});

it('goes over https, or to this machine', () => {
  for (const url of ['https://git.example.test/a', 'http://127.0.0.1:80/a', 'http://localhost/a', 'http://[::1]:1/a'])
    expect(mayCarryLogin(url), url).toBe(true);
  for (const url of ['http://git.example.test/a', 'http://127.0.0.1.example.test/a', 'http://localhost.test/', '/srv'])
    expect(mayCarryLogin(url), url).toBe(false);
});

it('knows the host of what a person writes, and the name that a forge wants', () => {
  expect(parseAccessHost(' GitHub.com ')).toBe('github.com');
  expect(parseAccessHost('https://git.example.test:8443/team/app.git')).toBe('git.example.test:8443');
  expect(parseAccessHost('git.example.test:443')).toBe('git.example.test');
  for (const input of ['', 'a b', 'ada@git.example.test', 'https://ada:pw@git.example.test']) {
    expect(() => parseAccessHost(input), input).toThrow(expect.objectContaining({ code: 'input.invalid' }));
  }
  expect(['github.com', 'gitlab.com', 'gitlab.example.test', 'bitbucket.org', 'codeberg.org'].map(defaultUser)).toEqual(
    ['x-access-token', 'oauth2', 'oauth2', 'x-token-auth', 'git'],
  );
});

describe.skipIf(process.platform === 'win32')("the system's own login", () => {
  it('is asked of the helper that the person has set, without prompts, and kept for minutes', async () => {
    const folder = await scratchFolder();
    const helper = join(folder, 'helper');
    await writeFile(
      helper,
      `#!/bin/sh\necho x >> '${folder}/asked'\ncat > '${folder}/question'\necho username=ada\necho password=open\n`,
    );
    await chmod(helper, 0o755);
    await writeFile(join(folder, '.gitconfig'), `[credential]\n  helper = ${helper}\n`);
    vi.stubEnv('HOME', folder);
    vi.stubEnv('XDG_CONFIG_HOME', folder);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    let now = 0;
    const logins = createSystemLogins(() => now);
    const url = 'https://git.example.test/team/app.git';
    expect(await logins.find(url)).toEqual({ user: 'ada', token: 'open' });
    await writeFile(helper, '#!/bin/sh\nexit 0\n');
    expect(await logins.find(url)).toEqual({ user: 'ada', token: 'open' });
    now += 10 * 60_000;
    await expect(logins.find(url)).rejects.toMatchObject({
      code: 'git.auth_failed',
      message: expect.stringContaining('slipway git access set git.example.test'),
    });
  });
});
