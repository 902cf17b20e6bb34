import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { findGit } from '../../../src-main/sources/git-cli.ts';
import { resolveRelative } from '../../../src-main/sources/git-submodules.ts';
import { parseGitUrl } from '../../../src-main/sources/git-url.ts';
import { createMirror } from '../../../src-main/sources/mirror.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { git, startGitServer, type TestRepository } from '../../support/git-server.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const gitPath = await findGit();
const batchSchema = z.object({ objects: z.array(z.object({ oid: z.string(), size: z.number() })) });
const hasLfs = (() => {
  try {
    execFileSync('git-lfs', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** An LFS server in front of a Git server. Source: git-lfs, docs/api/batch.md. */
async function serveLfs(origin: string, objects: ReadonlyMap<string, string>): Promise<string> {
  const front = createServer(async (asked, answer) => {
    const path = asked.url ?? '/';
    const id = /\/objects\/([0-9a-f]{64})$/.exec(path)?.[1];
    const content = objects.get(id ?? '');
    if (path.endsWith('/info/lfs/objects/batch')) {
      const chunks: Buffer[] = [];
      for await (const chunk of asked) chunks.push(chunk);
      const { objects: wanted } = batchSchema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      const found = wanted.map(({ oid, size }) =>
        objects.has(oid)
          ? { oid, size, actions: { download: { href: `${url}/objects/${oid}` } } }
          : { oid, size, error: { code: 404, message: 'Object does not exist' } },
      );
      answer.setHeader('content-type', 'application/vnd.git-lfs+json');
      answer.end(JSON.stringify({ transfer: 'basic', objects: found }));
    } else if (content !== undefined) answer.end(content);
    else {
      const onward = request(`${origin}${path}`, { method: asked.method, headers: asked.headers }, reply => {
        answer.writeHead(reply.statusCode ?? 500, reply.headers);
        reply.pipe(answer);
      });
      asked.pipe(onward);
    }
  });
  await new Promise<void>(resolve => front.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    front.close();
    front.closeAllConnections();
  });
  const address = front.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  return url;
}

async function setUp() {
  const server = await startGitServer();
  onTestFinished(() => server.stop());
  const [app, lib] = [await server.createRepository('app'), await server.createRepository('lib')];
  const inner = await lib.commit({ 'lib.txt': 'lib' }, 'lib');
  return { server, app, lib, inner };
}

/** Commits a link to `revision` at `path` with what `.gitmodules` says of it, whether or not git itself would. */
async function link(app: TestRepository, path: string, revision: string, modules: string): Promise<string> {
  await writeFile(join(app.folder, '.gitmodules'), modules);
  await git(app.folder, 'add', '.gitmodules');
  await git(app.folder, 'update-index', '--add', '--cacheinfo', `160000,${revision},${path}`);
  await git(app.folder, 'commit', '--quiet', '-m', 'submodule');
  return git(app.folder, 'rev-parse', 'HEAD');
}

/** A tree object of lines as `git ls-tree` prints them. */
async function makeTree(folder: string, list: string): Promise<string> {
  const file = join(await scratchFolder(), 'list');
  await writeFile(file, list);
  return git(folder, '-c', `alias.make=!git mktree < ${file}`, 'make');
}

const modulesOf = (path: string, url: string) => `[submodule "lib"]\n\tpath = ${path}\n\turl = ${url}\n`;

async function checkOut(
  url: string,
  revision: string,
  options: { readonly submodules: boolean; readonly lfs: boolean } = { submodules: true, lfs: false },
) {
  const root = await scratchFolder();
  const mirror = createMirror({ folder: join(root, 'm.git'), url, gitPath, logger: silentLogger, options });
  const targetFolder = join(root, 'tree');
  await mirror.fetch({ branch: 'main', revision });
  await mirror.checkout({ revision, targetFolder });
  return { targetFolder, names: (await readdir(targetFolder, { recursive: true })).sort() };
}

describe('submodules', () => {
  test('are fetched where that is allowed, also from a relative address and in each other, else left empty', async () => {
    const { server, app, lib } = await setUp();
    const deep = await server.createRepository('deep');
    const deepest = await deep.commit({ 'deep.txt': 'd' }, 'deep');
    const inner = await link(lib, 'deep', deepest, modulesOf('deep', deep.url));
    await lib.commit({ 'later.txt': 'not this one' }, 'later');
    await app.commit({ a: '1' }, 'one');
    const revision = await link(app, 'vendor/lib', inner, modulesOf('vendor/lib', '../../lib/.git'));
    const fetched = await checkOut(app.url, revision);
    expect(fetched.names).toEqual([
      ...['.gitmodules', 'a', 'vendor', 'vendor/lib', 'vendor/lib/.gitmodules', 'vendor/lib/deep'],
      ...['vendor/lib/deep/deep.txt', 'vendor/lib/lib.txt'],
    ]);
    const empty = await checkOut(app.url, revision, { submodules: false, lfs: false });
    expect(empty.names).toEqual(['.gitmodules', 'a', 'vendor', 'vendor/lib']);
  });

  test.each([
    ['an option', '--upload-pack=touch /tmp/slipway-escaped'],
    ['a remote helper', 'ext::sh -c "touch /tmp/slipway-escaped"'],
    ['a helper that reads handles', 'fd::17'],
    ['an option to ssh', 'ssh://-oProxyCommand=touch/x'],
    ['an option as a user', '-oProxyCommand=x@host:y'],
    ['a file of this machine', '/etc'],
    ['a file address', 'file:///etc'],
    ['a password', 'https://user:secret@host/x'],
    ['a line break', '"https://host/x\\nurl"'],
    ['more parents than there are', '../../../../../../etc/x'],
  ])('that name %s are refused, and nothing is run', async (_, url) => {
    const { app, inner } = await setUp();
    await app.commit({ a: '1' }, 'one');
    const revision = await link(app, 'lib', inner, modulesOf('lib', url));
    await expect(checkOut(app.url, revision)).rejects.toMatchObject({
      code: expect.stringMatching(/^(artifact\.unsafe_path|git\.protocol)$/),
    });
    expect(await readdir('/tmp')).not.toContain('slipway-escaped');
  });

  test.each([
    ['../lib', 'https://host/team/app', 'https://host/team/lib'],
    ['../../x/lib', 'https://host/team/app', 'https://host/x/lib'],
    ['./lib', 'https://host/team/app', 'https://host/team/app/lib'],
    ['../lib', 'git@host:team/app', 'git@host:team/lib'],
    ['../lib', 'git@host:app', 'git@host:lib'],
    ['../../lib', 'git@host:team/app', 'git@host:lib'],
    ['../lib', 'ssh://git@host/app', 'ssh://git@host/lib'],
    ['../lib', '/srv/git/app', '/srv/git/lib'],
  ])('at %s of %s are at %s', (address, parent, expected) => {
    expect(parseGitUrl(resolveRelative(address, parseGitUrl(parent))).url).toBe(expected);
  });

  test.each([
    ['../../../x', 'https://host/team/app'],
    ['../../x', 'https://host/app'],
    ['../../x', 'git@host:app'],
    ['../../../x', 'git@host:team/app'],
    ['../../x', 'ssh://git@host/app'],
    ['../../x', '/app'],
  ])('at %s of %s lead out of the server, and are refused', (address, parent) => {
    expect(() => resolveRelative(address, parseGitUrl(parent))).toThrow('leads out of the server');
  });

  test.each([
    ['a remote helper after it', '../ext::sh -c "touch /tmp/slipway-escaped"'],
    ['a helper and no space', '../../ext::touch%20/tmp/slipway-escaped'],
    ['an option after it', './--upload-pack=touch$IFS/tmp/slipway-escaped'],
    ['another server after it', '../../../https://elsewhere.invalid/x'],
    ['a login after it', '../user:secret@elsewhere.invalid/x'],
    ['backslashes', '../..\\\\..\\\\..\\\\elsewhere.invalid\\\\x'],
    ['dots that are escaped', '../%2e%2e/%2e%2e/%2e%2e/x'],
    ['a port after it', '../:1/x'],
    ['nothing after it', '../'],
    ['two slashes', '..//elsewhere.invalid/x'],
    ['a question', '../lib?x=1'],
    ['a line break', '"../lib\\n.git"'],
  ])('whose relative address has %s are asked of the same server at most, and nothing is run', async (_, url) => {
    const { server, app, inner } = await setUp();
    await app.commit({ a: '1' }, 'one');
    const revision = await link(app, 'lib', inner, modulesOf('lib', url));
    const refusal = checkOut(app.url, revision).then(
      () => null,
      error => error,
    );
    expect(await refusal).toMatchObject({
      code: expect.stringMatching(/^(artifact\.unsafe_path|git\.(protocol|not_found|revision_missing))$/),
    });
    // Whoever else was asked would have been unreachable.
    expect(server.requests.length).toBeGreaterThan(0);
    expect(await readdir('/tmp')).not.toContain('slipway-escaped');
  });

  test('behind a link of the tree, or in its place, are never written through it', async () => {
    const { app, lib, inner } = await setUp();
    const outside = await scratchFolder();
    await app.commit({ a: '1', target: outside }, 'one');
    const target = await git(app.folder, 'rev-parse', 'HEAD:target');
    // The link where .gitmodules says that the submodule is; the submodule itself lies elsewhere.
    await git(app.folder, 'update-index', '--add', '--cacheinfo', `120000,${target},vendor`);
    await git(app.folder, 'update-index', '--add', '--cacheinfo', `160000,${inner},lib`);
    const named = await link(app, 'lib', inner, modulesOf('vendor/lib', '../../lib/.git'));
    await expect(checkOut(app.url, named)).rejects.toMatchObject({ code: 'artifact.unsafe_path' });
    // A link with the name of the submodule's folder, in a tree that has both.
    const [, , modules = ''] = (await git(app.folder, 'ls-tree', named, '.gitmodules')).split(/\s/);
    const folder = await makeTree(app.folder, `160000 commit ${inner}\tlib\n`);
    const entries = ['100644 .gitmodules', '120000 vendor', '40000 vendor'];
    const ids = [modules, target, folder];
    const both = Buffer.concat(
      entries.map((entry, index) => Buffer.concat([Buffer.from(`${entry}\0`), Buffer.from(ids[index] ?? '', 'hex')])),
    );
    await writeFile(join(app.folder, '.git/both'), both);
    const root = await git(app.folder, 'hash-object', '-t', 'tree', '-w', '--literally', '.git/both');
    const hostile = await git(app.folder, 'commit-tree', '-m', 'both', '-p', named, root);
    await git(app.folder, 'update-ref', 'refs/heads/main', hostile);
    await expect(checkOut(app.url, hostile)).rejects.toMatchObject({ code: 'git.protocol' });
    expect(await readdir(outside)).toEqual([]);
    // The submodule's own tree has a link where it says that one of its own is.
    await lib.commit({ target: outside }, 'a way out');
    const away = await git(lib.folder, 'rev-parse', 'HEAD:target');
    await git(lib.folder, 'update-index', '--add', '--cacheinfo', `120000,${away},deep`);
    const inward = await link(lib, 'deeper', inner, modulesOf('deep/er', '../../lib/.git'));
    await git(app.folder, 'reset', '--quiet', '--hard', named);
    const nested = await link(app, 'lib', inward, modulesOf('lib', '../../lib/.git'));
    await expect(checkOut(app.url, nested)).rejects.toMatchObject({ code: 'artifact.unsafe_path' });
    expect(await readdir(outside)).toEqual([]);
  });

  test.each([
    ['climbs out by its name', '[submodule "../../x"]\n\tpath = lib\n\turl = https://host/x\n'],
    ['has a path that is an option', '[submodule "x"]\n\tpath = -lib\n\turl = https://host/x\n'],
    [
      'is run by an update of its own',
      '[submodule "x"]\n\tpath = lib\n\tupdate = !touch /tmp/slipway-escaped\n\turl = https://host/x\n',
    ],
    ['reads other settings', '[include]\n\tpath = /etc/passwd\n'],
    ['is not there', ''],
  ])('whose .gitmodules %s are refused', async (_, modules) => {
    const { app, inner } = await setUp();
    await app.commit({ a: '1' }, 'one');
    const revision = await link(app, 'lib', inner, modules);
    await expect(checkOut(app.url, revision)).rejects.toMatchObject({
      code: expect.stringMatching(/^(artifact\.unsafe_path|git\.protocol|git\.not_found|git\.unreachable)$/),
    });
    expect(await readdir('/tmp')).not.toContain('slipway-escaped');
  });

  test('whose .gitmodules is a link, or which hold a .git, are refused', async () => {
    const { app, lib, inner } = await setUp();
    const first = await app.commit({ a: '1' }, 'one');
    await link(app, 'lib', inner, modulesOf('lib', '../../lib/.git'));
    const [, , lib2 = ''] = (await git(app.folder, 'ls-tree', 'HEAD', 'lib')).split(/\s/);
    const target = await git(app.folder, 'rev-parse', 'HEAD:a');
    const links = await makeTree(app.folder, `120000 blob ${target}\t.gitmodules\n160000 commit ${lib2}\tlib\n`);
    const linked = await git(app.folder, 'commit-tree', '-m', 'link', '-p', 'HEAD', links);
    await git(app.folder, 'update-ref', 'refs/heads/main', linked);
    const refusal = { code: expect.stringMatching(/^(artifact\.unsafe_path|git\.protocol)$/) };
    await expect(checkOut(app.url, linked)).rejects.toMatchObject(refusal);

    const text = await git(lib.folder, 'rev-parse', 'HEAD:lib.txt');
    const folder = await makeTree(lib.folder, `100644 blob ${text}\tconfig\n`);
    const tree = await makeTree(lib.folder, `040000 tree ${folder}\t.git\n`);
    const hostile = await git(lib.folder, 'commit-tree', '-m', 'hostile', tree);
    await git(lib.folder, 'update-ref', 'refs/heads/main', hostile);
    await git(app.folder, 'reset', '--quiet', '--hard', first);
    const revision = await link(app, 'lib', hostile, modulesOf('lib', '../../lib/.git'));
    await expect(checkOut(app.url, revision)).rejects.toMatchObject(refusal);
  });
});

describe.skipIf(!hasLfs)('Git LFS', () => {
  test('files come where they are wanted, from the repository’s own server, and stay pointers elsewhere', async () => {
    const server = await startGitServer();
    onTestFinished(() => server.stop());
    const app = await server.createRepository('app');
    const content = 'large '.repeat(1_000);
    const id = createHash('sha256').update(content).digest('hex');
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${id}\nsize ${content.length}\n`;
    const revision = await app.commit(
      {
        '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
        '.lfsconfig': '[lfs]\n\turl = https://elsewhere.invalid/steal\n\tskipdownloaderrors = true\n',
        'large.bin': pointer,
      },
      'large',
    );
    const objects = new Map<string, string>();
    const url = await serveLfs(server.origin, objects);
    const address = `${url}/app/.git`;
    const plain = await checkOut(address, revision, { submodules: false, lfs: false });
    expect(await readFile(join(plain.targetFolder, 'large.bin'), 'utf8')).toBe(pointer);
    await expect(checkOut(address, revision, { submodules: false, lfs: true })).rejects.toMatchObject({
      code: 'git.unreachable',
    });
    objects.set(id, 'another content');
    await expect(checkOut(address, revision, { submodules: false, lfs: true })).rejects.toThrow();
    objects.set(id, content);
    const whole = await checkOut(address, revision, { submodules: false, lfs: true });
    expect(await readFile(join(whole.targetFolder, 'large.bin'), 'utf8')).toBe(content);

    const store = join(app.folder, '.git/lfs/objects', id.slice(0, 2), id.slice(2, 4));
    await mkdir(store, { recursive: true });
    await writeFile(join(store, id), content);
    const local = await checkOut(app.folder, revision, { submodules: false, lfs: true });
    expect(await readFile(join(local.targetFolder, 'large.bin'), 'utf8')).toBe(content);
  });
});
