/** Tests that no way of reaching a repository but the listed ones is ever taken, whoever names it: a person, a redirect, a configuration. */
import { readdir, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findGit, runGit } from '../../../src-main/sources/git-cli.ts';
import { listRefs } from '../../../src-main/sources/list-refs.ts';
import { createMirror } from '../../../src-main/sources/mirror.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { git, startGitServer } from '../../support/git-server.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const gitPath = (await findGit()) ?? '';

/** A command that leaves a file, where it is run. */
async function trap() {
  const folder = await scratchFolder();
  return { command: `touch ${folder}/run`, wasRun: async () => (await readdir(folder)).length > 0 };
}

async function webServer(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a transport that runs a command', () => {
  test.each(['ext', 'fd', 'git', 'ssh', 'ftp', 'foo'])('is refused by git itself: %s', async name => {
    const { command, wasRun } = await trap();
    // What a person has set for himself does not hold here.
    const before = { ...process.env };
    onTestFinished(() => {
      process.env = before;
    });
    Object.assign(process.env, { GIT_ALLOW_PROTOCOL: name, GIT_PROTOCOL_FROM_USER: '1', GIT_SSH_COMMAND: command });
    const address =
      { ext: `ext::sh -c ${command.replaceAll(' ', '% ')}`, fd: 'fd::17,18' }[name] ?? `${name}://127.0.0.1/x`;
    for (const verb of ['ls-remote', 'fetch'] as const) {
      const folder = await scratchFolder();
      await git(folder, 'init', '--quiet', '--bare');
      const result = await runGit(gitPath, { verb, operands: [address], gitDir: folder, timeoutMs: 10_000 });
      expect(result.exitCode).not.toBe(0);
      expect(result.stderr.toString()).toMatch(/transport '\w+' not allowed|not allowed/);
    }
    expect(await wasRun()).toBe(false);
  });

  test.each([
    (command: string) => `ext::sh -c "${command}"`,
    (command: string) => `ext::${command.replaceAll(' ', '% ')}`,
    () => 'fd::17',
    () => 'ext::',
    (command: string) => `git clone --upload-pack="${command}" https://host/x`,
    (command: string) => `--upload-pack=${command}`,
    (command: string) => `ssh://-oProxyCommand=${command.replaceAll(' ', '$IFS')}/x`,
  ])('is refused as an address, %#', async addressOf => {
    const { command, wasRun } = await trap();
    const url = addressOf(command);
    await expect(listRefs({ url, timeoutMs: 10_000 })).rejects.toMatchObject({
      code: expect.stringMatching(/^git\.(url_invalid|unreachable|not_found)$/),
    });
    expect(await wasRun()).toBe(false);
  });

  test.each([
    'ext::sh% -c% id',
    'file:///etc',
    '/etc',
    'ftp://127.0.0.1/x',
    'fd::17',
    'https://user:secret@127.0.0.1:1/x',
  ])('is not reached by a redirect to %s', async location => {
    const asked: string[] = [];
    const origin = await webServer((request, response) => {
      asked.push(request.url ?? '');
      request.resume();
      response.writeHead(301, { location: `${location}/info/refs?service=git-upload-pack` }).end();
    });
    const url = `${origin}/app`;
    const refusal = { code: expect.stringMatching(/^git\.(protocol|unreachable|not_found|auth_failed)$/) };
    await expect(listRefs({ url, timeoutMs: 10_000 })).rejects.toMatchObject(refusal);
    for (const path of [gitPath, null]) {
      const folder = join(await scratchFolder(), 'm.git');
      const mirror = createMirror({ folder, url, gitPath: path, logger: silentLogger });
      await expect(mirror.fetch({ branch: 'main' })).rejects.toMatchObject(refusal);
    }
    expect(asked.length).toBeGreaterThan(2);
  });

  test('is not reached by what a repository on this machine has in its configuration', async () => {
    const { command, wasRun } = await trap();
    const server = await startGitServer();
    onTestFinished(() => server.stop());
    const repository = await server.createRepository('app');
    const revision = await repository.commit({ a: '1', '.gitattributes': '* filter=evil diff=evil\n' }, 'one');
    const run = `!${command}`;
    const settings: readonly (readonly [string, string])[] = [
      ['core.fsmonitor', command],
      ['core.sshCommand', command],
      ['core.gitProxy', command],
      ['core.pager', command],
      ['core.editor', command],
      ['core.askPass', command],
      ['core.alternateRefsCommand', command],
      ['credential.helper', run],
      ['uploadpack.packObjectsHook', command],
      ['filter.evil.smudge', command],
      ['filter.evil.process', command],
      ['diff.evil.textconv', command],
      ['gpg.program', command],
      ['protocol.ext.allow', 'always'],
      [`url.ext::sh -c ${command.replaceAll(' ', '% ')}.insteadOf`, repository.folder],
    ];
    for (const [name, value] of settings) await git(repository.folder, 'config', name, value);
    for (const hook of ['pre-upload', 'post-checkout', 'reference-transaction', 'post-index-change']) {
      await writeFile(join(repository.folder, '.git/hooks', hook), `#!/bin/sh\n${command}\n`, { mode: 0o755 });
    }
    await writeFile(join(repository.folder, '.git/packed-refs.lock'), '');
    expect((await listRefs({ url: repository.folder, timeoutMs: 10_000 })).branches).toEqual([
      { name: 'main', revision },
    ]);
    for (const path of [gitPath, null]) {
      const root = await scratchFolder();
      const folder = join(root, 'm.git');
      const mirror = createMirror({ folder, url: repository.folder, gitPath: path, logger: silentLogger });
      await mirror.fetch({ branch: 'main', revision });
      await mirror.checkout({ revision, targetFolder: join(root, 'tree') });
      expect((await readdir(join(root, 'tree'))).sort()).toEqual(['.gitattributes', 'a']);
    }
    expect(await wasRun()).toBe(false);
  });
});
