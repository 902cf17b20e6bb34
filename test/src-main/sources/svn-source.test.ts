import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RemoteAccess } from '../../../src-main/sources/remote-access.ts';
import { lookAtSource } from '../../../src-main/sources/source.ts';
import { createSvnSource, listSvn, svnSignature } from '../../../src-main/sources/svn-source.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { createSvnRepository, hasSubversion, startSvnserve, svn } from '../../support/svn-server.ts';

const timeoutMs = 30_000;
const login = (password: string): RemoteAccess => ({
  loginFor: async () => ({ user: 'ada', token: password }),
  knownHostsFile: null,
});
const create = async () => createSvnRepository(await scratchFolder());
const emptyFolder = async () => join(await scratchFolder(), 'checkout');

describe.skipIf(!hasSubversion)('a Subversion repository', () => {
  test.each(['file', 'svnserve'])('is listed, followed, read and exported over %s', async way => {
    const repository = await create();
    const first = await repository.commit(
      { 'trunk/a.txt': 'one', 'trunk/sub é/b@2 c.txt': 'b' },
      'Add ä & <b>\n\nmore',
    );
    await repository.commit({ 'branches/2.x/old.txt': 'old' }, 'Branch');
    const second = await repository.commit({ 'trunk/a.txt': 'two', 'trunk/sub é/d@.txt': 'd' }, 'Change');
    const url = way === 'file' ? repository.url : await startSvnserve(repository, onTestFinished);
    const { location, refs } = await lookAtSource(url, { timeoutMs });
    expect(location).toMatchObject({ vcs: 'svn', url });
    expect(refs).toMatchObject({
      defaultBranch: 'trunk',
      branches: [
        { name: 'trunk', revision: second },
        { name: 'branches/2.x', revision: 'r3' },
      ],
    });
    const source = createSvnSource({ url, branch: 'trunk', externals: false });
    expect(await source.fetch({ branch: 'trunk' })).toEqual({ revision: second });
    expect(await source.readCommit(first)).toMatchObject({ subject: 'Add ä & <b>', authorName: 'ada' });
    expect(await source.isAncestor(first, second)).toBe(true);
    expect(await source.isAncestor(second, first)).toBe(false);
    expect((await source.changedPaths(first, second)).sort()).toEqual(['a.txt', 'sub é/d@.txt']);
    const targetFolder = await emptyFolder();
    expect(await source.checkout({ revision: first, targetFolder })).toEqual({ via: 'svn' });
    expect((await readdir(targetFolder, { recursive: true })).sort()).toEqual(['a.txt', 'sub é', 'sub é/b@2 c.txt']);
    expect(await readFile(join(targetFolder, 'a.txt'), 'utf8')).toBe('one');
    await expect(source.checkout({ revision: first, targetFolder })).rejects.toMatchObject({ code: 'conflict' });
    const missing = createSvnSource({ url, branch: 'branches/none', externals: false });
    await expect(missing.fetch({ branch: 'branches/none' })).rejects.toMatchObject({ code: 'git.branch_missing' });
    expect((await listSvn({ url, branch: 'branches/none', timeoutMs })).branches).toEqual([]);
    await expect(source.checkout({ revision: 'r99', targetFolder: await emptyFolder() })).rejects.toMatchObject({
      code: 'git.revision_missing',
    });
  });

  test('without a trunk is one branch, and an empty one says so', async () => {
    const repository = await createSvnRepository(await scratchFolder(), []);
    await expect(listSvn({ url: repository.url, timeoutMs })).rejects.toMatchObject({ code: 'git.empty' });
    await repository.commit({ 'a.txt': '1' }, 'one');
    expect((await listSvn({ url: repository.url, timeoutMs })).branches).toEqual([{ name: 'HEAD', revision: 'r1' }]);
  });

  test('on this machine shows by a file that it has a new revision', async () => {
    const repository = await create();
    const url = `${repository.url}/trunk`;
    const before = await svnSignature(url);
    expect(await svnSignature(url)).toBe(before);
    await repository.commit({ 'trunk/a': '1' }, 'one');
    expect(await svnSignature(url)).not.toBe(before);
  });

  test('with a password opens for who has it, and its password is on no command line', async () => {
    const repository = await create();
    await repository.commit({ 'trunk/a': '1' }, 'one');
    const url = await startSvnserve(repository, onTestFinished, 'open sesame');
    await expect(listSvn({ url, timeoutMs })).rejects.toMatchObject({ code: 'git.auth_failed' });
    await expect(listSvn({ url, timeoutMs, access: login('wrong') })).rejects.toMatchObject({
      code: 'git.auth_failed',
    });
    expect((await listSvn({ url, timeoutMs, access: login('open sesame') })).defaultBranch).toBe('trunk');
    const bin = await scratchFolder();
    const said = join(bin, 'said');
    await writeFile(
      join(bin, 'svn'),
      `#!/bin/sh\nprintf '%s\\n' "$@" >> ${said}\nenv >> ${said}\nexec /usr/bin/env PATH="\${PATH#*:}" svn "$@"\n`,
      {
        mode: 0o755,
      },
    );
    const path = process.env.PATH;
    process.env.PATH = `${bin}:${path}`;
    try {
      await listSvn({ url, timeoutMs, access: login('open sesame') });
    } finally {
      process.env.PATH = path;
    }
    expect(await readFile(said, 'utf8')).toContain('--password-from-stdin');
    expect(await readFile(said, 'utf8')).not.toContain('sesame');
  });

  test('refuses externals unless they are allowed, and then those that leave the tree or reach for files', async () => {
    const repository = await create();
    await repository.commit({ 'trunk/a': '1', 'branches/lib/l': 'lib', 'branches/lib/deep/x': 'x' }, 'one');
    const allowed = createSvnSource({ url: repository.url, branch: 'trunk', externals: true });
    const set = async (lines: string) => {
      await svn(repository.tree, 'propset', '--quiet', 'svn:externals', lines, 'trunk');
      return repository.commit({}, 'externals');
    };
    const good = await set('^/branches/lib vendor/lib\n-r 2 ^/branches/lib/deep@2 deep');
    const strict = createSvnSource({ url: repository.url, branch: 'trunk', externals: false });
    const refused = await emptyFolder();
    await expect(strict.checkout({ revision: good, targetFolder: refused })).rejects.toMatchObject({
      code: 'source.refused',
    });
    const targetFolder = await emptyFolder();
    await allowed.checkout({ revision: good, targetFolder });
    expect((await readdir(targetFolder, { recursive: true })).sort()).toEqual([
      'a',
      'deep',
      'deep/x',
      'vendor',
      'vendor/lib',
      'vendor/lib/deep',
      'vendor/lib/deep/x',
      'vendor/lib/l',
    ]);
    for (const hostile of [
      '^/branches/lib --force/../../escaped',
      'svn+ssh://-oProxyCommand=touch/a ssh',
      `${repository.url}/branches/lib a`,
      'ext::sh a',
    ]) {
      const revision = await set(hostile).catch(() => null);
      // svn itself refuses to commit some.
      if (revision === null) {
        await svn(repository.tree, 'revert', '--quiet', 'trunk');
        continue;
      }
      const attempt = allowed.checkout({ revision, targetFolder: await emptyFolder() });
      await expect(attempt, hostile).rejects.toMatchObject({ code: 'artifact.unsafe_path' });
    }
  });

  test('refuses a tree that holds a .git, and writes through no link', async () => {
    const repository = await create();
    await mkdir(join(repository.tree, 'trunk/.GIT'), { recursive: true });
    const revision = await repository.commit({ 'trunk/.GIT/config': '[core]\nfsmonitor = touch /tmp/x\n' }, 'hostile');
    const source = createSvnSource({ url: repository.url, branch: 'trunk', externals: true });
    const targetFolder = await emptyFolder();
    await expect(source.checkout({ revision, targetFolder })).rejects.toMatchObject({ code: 'artifact.unsafe_path' });
    await expect(readdir(targetFolder)).rejects.toThrow('ENOENT');

    const outside = await scratchFolder();
    const other = await create();
    await other.commit({ 'branches/lib/l': 'lib' }, 'lib');
    await symlink(outside, join(other.tree, 'trunk/out'));
    await svn(other.tree, 'add', '--quiet', 'trunk/out');
    await svn(other.tree, 'propset', '--quiet', 'svn:externals', '^/branches/lib out/lib', 'trunk');
    const linked = await other.commit({}, 'link');
    const through = createSvnSource({ url: other.url, branch: 'trunk', externals: true });
    await expect(through.checkout({ revision: linked, targetFolder: await emptyFolder() })).rejects.toMatchObject({
      code: 'artifact.unsafe_path',
    });
    expect(await readdir(outside)).toEqual([]);
  });

  test('a server that takes the connection and says nothing ends with the time-out', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const attempt = listSvn({ url: `svn://127.0.0.1:${port}/x`, timeoutMs: 500, branch: 'trunk' });
    await expect(attempt).rejects.toMatchObject({ code: 'git.timeout' });
  });
});

test.each([
  'svn+ssh://host/x',
  'svn://-oProxyCommand=x/y',
  'svn://user:secret@host/x',
  'svn://host/a%2f..%2fb',
  'svn://host/x\n--config-option=x',
  '--config-dir=/tmp',
  'svn://host/x?y',
  'ext::sh -c x',
])('the address %j is refused before anything is asked', async url => {
  await expect(lookAtSource(url, { vcs: 'svn', timeoutMs })).rejects.toMatchObject({ code: 'git.url_invalid' });
});

test.each(['../other', 'a//b', 'trunk/..', '', 'a\u0007'])('the branch %j is refused', branch => {
  expect(() => createSvnSource({ url: 'svn://host/x', branch, externals: false })).toThrow();
});

test.each(['12', 'r0', 'r1:HEAD', '-r1', '{2020-01-01}'])('the revision %j is refused', async revision => {
  const source = createSvnSource({ url: 'svn://host/x', branch: 'trunk', externals: false });
  await expect(source.readCommit(revision)).rejects.toMatchObject({ code: 'input.invalid' });
});
