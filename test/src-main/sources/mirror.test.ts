import { execFile } from 'node:child_process';
import { lstat, readdir, readFile, readlink, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findGit } from '../../../src-main/sources/git-cli.ts';
import { createMirror, type Mirror } from '../../../src-main/sources/mirror.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { git, startGitServer, type TestRepository } from '../../support/git-server.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const gitPath = await findGit();

interface Setting {
  readonly repository: TestRepository;
  readonly server: Awaited<ReturnType<typeof startGitServer>>;
  readonly folder: string;
  readonly mirror: Mirror;
}

async function setUp(path: string | null, local = false): Promise<Setting> {
  const server = await startGitServer();
  onTestFinished(() => server.stop());
  const repository = await server.createRepository('app');
  const folder = join(await scratchFolder(), 'mirror.git');
  const url = local ? repository.folder : repository.url;
  return { repository, server, folder, mirror: createMirror({ folder, url, gitPath: path, logger: silentLogger }) };
}

async function filesOf(mirror: Mirror, revision: string) {
  const targetFolder = join(await scratchFolder(), 'tree');
  const result = await mirror.checkout({ revision, targetFolder });
  return { ...result, targetFolder, names: (await readdir(targetFolder, { recursive: true })).sort() };
}

test('a first fetch takes the newest commit alone, and the history comes when a question needs it', async () => {
  const { repository, mirror, folder } = await setUp(gitPath);
  const first = await repository.commit({ a: '1' }, 'one');
  const second = await repository.commit({ a: '2' }, 'two');
  await mirror.fetch({ branch: 'main', revision: second });
  expect(await git(folder, 'rev-list', '--count', second)).toBe('1');
  const third = await repository.commit({ a: '3' }, 'three');
  await mirror.fetch({ branch: 'main', revision: third });
  expect(await mirror.isAncestor(second, third)).toBe(true);
  expect(await git(folder, 'rev-list', '--count', third)).toBe('2');
  expect(await mirror.isAncestor(first, third)).toBe(true);
  expect(await git(folder, 'rev-list', '--count', third)).toBe('3');
  expect(await mirror.isAncestor(third, first)).toBe(false);
});

test('a revision that is to be pinned is asked for by its id, also of a server that gives none but with a branch', async () => {
  const { repository, mirror, folder, server } = await setUp(gitPath);
  const second = await repository.commit({ a: '2' }, 'two');
  const pinOf = (revision: string) => `refs/slipway/${revision}`;
  await mirror.fetch({ branch: 'main', revision: second, pinRef: pinOf(second) });
  // The server's capabilities and the pack: no list of branches.
  expect(server.requests.map(({ line }) => line.split(' ')[0])).toEqual(['GET', 'POST']);
  expect(await git(folder, 'rev-parse', pinOf(second))).toBe(second);

  const old = await startGitServer({ isOld: true });
  onTestFinished(() => old.stop());
  const other = await old.createRepository('app');
  const below = await other.commit({ a: '1' }, 'one');
  const otherFolder = join(await scratchFolder(), 'mirror.git');
  const behind = createMirror({ folder: otherFolder, url: other.url, gitPath, logger: silentLogger });
  await behind.fetch({ branch: 'main', revision: below, pinRef: pinOf(below) });
  const third = await other.commit({ a: '3' }, 'three');
  await other.commit({ a: '4' }, 'four');
  expect(await behind.fetch({ branch: 'main', revision: third, pinRef: pinOf(third) })).toEqual({ revision: third });
  expect(await git(otherFolder, 'rev-parse', pinOf(third))).toBe(third);
  expect(await behind.isAncestor(below, third)).toBe(true);
});

describe.each([
  ['the git program over HTTP', gitPath, false],
  ['the git program on a local path', gitPath, true],
  ['isomorphic-git over HTTP', null, false],
  ['isomorphic-git on a local path', null, true],
] as const)('a mirror through %s', (_, path, local) => {
  test('fetches, follows, reads and writes revisions', async () => {
    const { repository, mirror } = await setUp(path, local);
    const first = await repository.commit({ 'a.txt': 'one', 'src/b.txt': 'b' }, 'Add a\n\nbody');
    expect(await mirror.fetch({ branch: 'main' })).toEqual({ revision: first });
    const second = await repository.commit({ 'a.txt': 'two' }, 'Change ä');
    expect(await mirror.fetch({ branch: 'main', pinRef: 'refs/slipway/job-1' })).toEqual({ revision: second });
    expect(await mirror.fetch({ branch: 'main', revision: first })).toEqual({ revision: first });

    const commit = await mirror.readCommit(second);
    expect(commit).toMatchObject({ subject: 'Change ä', authorName: 'Ada' });
    const seconds = Number(await git(repository.folder, 'log', '-1', '--format=%at', second));
    expect(commit.authoredAtMs).toBe(seconds * 1000);
    expect((await mirror.readCommit(first)).subject).toBe('Add a');

    expect(await mirror.isAncestor(first, second)).toBe(true);
    expect(await mirror.isAncestor(second, second)).toBe(true);
    expect(await mirror.isAncestor(second, first)).toBe(false);

    expect(await mirror.changedPaths(first, second)).toEqual(['a.txt']);
    expect(await mirror.changedPaths(second, second)).toEqual([]);
    await expect(mirror.changedPaths('0'.repeat(40), second)).rejects.toMatchObject({ code: 'git.revision_missing' });

    const tree = await filesOf(mirror, first);
    expect(tree).toMatchObject({ files: 2, names: ['a.txt', 'src', 'src/b.txt'] });
    expect(await readFile(join(tree.targetFolder, 'a.txt'), 'utf8')).toBe('one');
    await expect(mirror.checkout({ revision: first, targetFolder: tree.targetFolder })).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  test('keeps links as links, bits as bits, and writes nothing through a link', async () => {
    const { repository, mirror } = await setUp(path, local);
    const outside = await scratchFolder();
    await repository.commit({ run: '#!/bin/sh\n' }, 'one');
    await git(repository.folder, 'update-index', '--chmod=+x', 'run');
    const blob = await git(repository.folder, 'hash-object', '-w', 'run');
    await writeFile(join(repository.folder, 'target'), outside);
    const link = await git(repository.folder, 'hash-object', '-w', 'target');
    await git(repository.folder, 'update-index', '--add', '--cacheinfo', `120000,${link},dir`);
    const tree = await git(repository.folder, 'write-tree');
    const honest = await git(repository.folder, 'commit-tree', '-m', 'links', '-p', 'HEAD', tree);
    await git(repository.folder, 'update-ref', 'refs/heads/main', honest);
    await mirror.fetch({ branch: 'main' });
    const found = await filesOf(mirror, honest);
    expect(await readlink(join(found.targetFolder, 'dir'))).toBe(outside);
    expect((await lstat(join(found.targetFolder, 'run'))).mode & 0o111).not.toBe(0);

    // A tree that names `dir` twice, as the link and as a folder: no honest git makes one.
    const inner = await makeTree(repository.folder, `100644 blob ${blob}\tescaped\n`);
    const twice = await makeTree(repository.folder, `120000 blob ${link}\tdir\n040000 tree ${inner}\tdir\n`);
    const hostile = await git(repository.folder, 'commit-tree', '-m', 'hostile', '-p', honest, twice);
    await git(repository.folder, 'update-ref', 'refs/heads/main', hostile);
    const outcome = await mirror
      .fetch({ branch: 'main', revision: hostile })
      .then(() => filesOf(mirror, hostile))
      .then(
        () => 'written',
        () => 'refused',
      );
    expect(await readdir(outside)).toEqual([]);
    expect(outcome).toBe('refused');
  });

  test('refuses a name that leaves the folder or is git’s own', async () => {
    const { repository, mirror } = await setUp(path, local);
    await repository.commit({ a: 'x' }, 'one');
    const blob = await git(repository.folder, 'rev-parse', 'HEAD:a');
    for (const name of ['..', '.git', '.GIT']) {
      const inner = await makeTree(repository.folder, `100644 blob ${blob}\tescaped\n`);
      const root = await makeTree(repository.folder, `040000 tree ${inner}\t${name}\n`);
      const revision = await git(repository.folder, 'commit-tree', '-m', name, '-p', 'HEAD', root);
      await git(repository.folder, 'update-ref', 'refs/heads/main', revision);
      const attempt = mirror.fetch({ branch: 'main', revision }).then(() => filesOf(mirror, revision));
      await expect(attempt, name).rejects.toMatchObject({
        code: expect.stringMatching(/^(git\.protocol|artifact\.unsafe_path)$/),
      });
    }
  });

  test('names a missing branch, a missing revision and hostile names', async () => {
    const { repository, mirror } = await setUp(path, local);
    const revision = await repository.commit({ a: '1' }, 'one');
    const unknown = 'f'.repeat(40);
    await expect(mirror.fetch({ branch: 'nope' })).rejects.toMatchObject({ code: 'git.branch_missing' });
    await expect(mirror.fetch({ branch: 'main', revision: unknown })).rejects.toMatchObject({
      code: 'git.revision_missing',
    });
    await mirror.fetch({ branch: 'main' });
    await expect(mirror.readCommit(unknown)).rejects.toMatchObject({ code: 'git.revision_missing' });
    await expect(mirror.isAncestor(unknown, revision)).rejects.toMatchObject({ code: 'git.revision_missing' });
    await expect(filesOf(mirror, unknown)).rejects.toMatchObject({ code: 'git.revision_missing' });
    await expect(mirror.fetch({ branch: '--upload-pack=touch x' })).rejects.toMatchObject({ code: 'input.invalid' });
    await expect(mirror.readCommit('--output=x')).rejects.toMatchObject({ code: 'input.invalid' });
    await expect(mirror.fetch({ branch: 'main', pinRef: 'refs/heads/main' })).rejects.toMatchObject({
      code: 'input.invalid',
    });
    await expect(mirror.fetch({ branch: 'main', signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'job.cancelled',
    });
  });
});

/** A tree object as it is told, checked by nobody. */
async function makeTree(folder: string, lines: string): Promise<string> {
  const entries = lines
    .trimEnd()
    .split('\n')
    .map(line => {
      const [mode = '', , oid = ''] = line.split('\t')[0]?.split(' ') ?? [];
      return Buffer.concat([Buffer.from(`${Number(mode)} ${line.split('\t')[1]}\0`), Buffer.from(oid, 'hex')]);
    });
  const file = join(folder, '.git', 'tree-object');
  await writeFile(file, Buffer.concat(entries));
  return await git(folder, 'hash-object', '-t', 'tree', '-w', '--literally', file);
}

describe.each([
  ['the git program', gitPath],
  ['isomorphic-git', null],
] as const)('a mirror through %s', (_, path) => {
  test('damaged on disk is made anew', async () => {
    const { repository, mirror, folder } = await setUp(path);
    const revision = await repository.commit({ a: '1' }, 'one');
    await mirror.fetch({ branch: 'main' });
    for (const name of await readdir(join(folder, 'objects'))) {
      await rm(join(folder, 'objects', name), { recursive: true });
    }
    expect((await filesOf(mirror, revision)).names).toEqual(['a']);
    await truncate(join(folder, 'HEAD'), 0);
    await writeFile(join(folder, 'config'), 'garbage[');
    expect(await mirror.fetch({ branch: 'main' })).toEqual({ revision });
    expect(await readdir(join(folder, '..'))).toEqual(['mirror.git']);
  });

  test('does not ask the server for what it has', async () => {
    const { repository, mirror, server } = await setUp(path);
    const revision = await repository.commit({ a: '1' }, 'one');
    await mirror.fetch({ branch: 'main', revision });
    const before = server.requests.length;
    expect(await mirror.fetch({ branch: 'main', revision, pinRef: 'refs/slipway/x' })).toEqual({ revision });
    expect(server.requests.length).toBe(before);
  });

  test('of a private or absent server says so', async () => {
    const server = await startGitServer({ auth: { user: 'ada', password: 'x' } });
    const { url } = await server.createRepository('app');
    const folder = join(await scratchFolder(), 'm.git');
    const mirror = createMirror({ folder, url, gitPath: path, logger: silentLogger });
    await expect(mirror.fetch({ branch: 'main' })).rejects.toMatchObject({ code: 'git.auth_failed' });
    await server.stop();
    await expect(mirror.fetch({ branch: 'main' })).rejects.toMatchObject({ code: 'git.unreachable' });
  });
});

test('a pinned revision survives a forced push and the end of its branch', async () => {
  const { repository, mirror, folder } = await setUp(gitPath);
  const lost = await repository.commit({ a: '1' }, 'lost');
  await mirror.fetch({ branch: 'main', pinRef: 'refs/slipway/job' });
  await git(repository.folder, 'checkout', '-q', '--orphan', 'fresh');
  await repository.commit({ a: '2' }, 'other history');
  await git(repository.folder, 'branch', '-f', 'main', 'fresh');
  await mirror.fetch({ branch: 'main' });
  await git(folder, 'gc', '--quiet', '--prune=now');
  expect((await filesOf(mirror, lost)).names).toEqual(['a']);
  await git(repository.folder, 'branch', '-D', 'main');
  expect(await mirror.fetch({ branch: 'main', revision: lost })).toEqual({ revision: lost });

  // What a power cut leaves: a lock that nobody will ever take away. The pins move over to the new mirror.
  await mirror.fetch({ branch: 'fresh' });
  const refs = (await git(folder, 'for-each-ref', '--format=%(refname)', 'refs/branches/')).split('\n');
  for (const ref of refs) await writeFile(join(folder, `${ref}.lock`), '');
  const newest = await repository.commit({ a: '3' }, 'newest');
  expect(await mirror.fetch({ branch: 'fresh' })).toEqual({ revision: newest });
  expect(await git(folder, 'for-each-ref', '--format=%(objectname)', 'refs/slipway/')).toBe(lost);
});

test('two fetches and checkouts at the same time do not disturb each other', async () => {
  const { repository, mirror } = await setUp(gitPath);
  const revision = await repository.commit({ a: '1', b: '2' }, 'one');
  const trees = await Promise.all(
    [1, 2, 3].map(async () => {
      await mirror.fetch({ branch: 'main' });
      return await filesOf(mirror, revision);
    }),
  );
  for (const tree of trees) expect(tree.names).toEqual(['a', 'b']);
});

test('a pin that another worker is at is tried again, and one whose worker was killed is made anew', async () => {
  const { repository, mirror, folder } = await setUp(gitPath, true);
  const revision = await repository.commit({ a: '1' }, 'one');
  await mirror.fetch({ branch: 'main', revision });
  const made = await stat(folder);
  const met = `${folder}.met`;
  const busy = `fatal: update_ref failed for ref 'x': cannot lock ref 'x': Unable to create 'x.lock': File exists.`;
  const once = `case " $* " in *" update-ref "*) if [ ! -e ${met} ]; then touch ${met}; echo "${busy}" >&2; exit 128; fi;; esac`;
  await writeFile(`${folder}.git`, `#!/bin/sh\n${once}\nexec ${gitPath} "$@"\n`, { mode: 0o755 });
  const options = { folder, url: repository.folder, gitPath: `${folder}.git`, logger: silentLogger };
  const pinRef = `refs/slipway/${revision}`;
  expect(await createMirror(options).fetch({ branch: 'main', revision, pinRef })).toEqual({ revision });
  expect((await stat(folder)).ino).toBe(made.ino);
  expect(await readdir(join(folder, '..'))).toContain('mirror.git.met');

  const next = await repository.commit({ a: '2' }, 'two');
  await writeFile(join(folder, `refs/slipway/${next}.lock`), '');
  expect(await mirror.fetch({ branch: 'main', revision: next, pinRef: `refs/slipway/${next}` })).toEqual({
    revision: next,
  });
  expect(await git(folder, 'rev-parse', `refs/slipway/${next}`)).toBe(next);
  expect((await readdir(join(folder, 'refs/slipway'))).filter(name => name.endsWith('.lock'))).toEqual([]);
});

test('a checkout for which the disk has no space says so, as what may pass by itself', async () => {
  const { repository, mirror, folder } = await setUp(gitPath, true);
  const revision = await repository.commit({ a: '1' }, 'one');
  await mirror.fetch({ branch: 'main', revision });
  const full = 'error: unable to write file a: No space left on device';
  const refusing = `case " $* " in *" read-tree "*) echo "${full}" >&2; exit 1;; esac`;
  await writeFile(`${folder}.git`, `#!/bin/sh\n${refusing}\nexec ${gitPath} "$@"\n`, { mode: 0o755 });
  const refused = createMirror({ folder, url: repository.folder, gitPath: `${folder}.git`, logger: silentLogger });
  const targetFolder = join(await scratchFolder(), 'tree');
  await expect(refused.checkout({ revision, targetFolder })).rejects.toMatchObject({
    code: 'store.full',
    retry: 'automatic',
  });
});

test('hooks, filters and settings of a repository run nothing', async () => {
  const { repository, mirror } = await setUp(gitPath, true);
  const trace = join(await scratchFolder(), 'trace');
  const revision = await repository.commit({ '.gitattributes': '* filter=evil\n', a: '1' }, 'one');
  for (const name of [
    'filter.evil.smudge',
    'core.fsmonitor',
    'uploadpack.packObjectsHook',
    'core.pager',
    'core.askPass',
  ]) {
    await git(repository.folder, 'config', name, `touch ${trace}`);
  }
  await mirror.fetch({ branch: 'main' });
  expect((await filesOf(mirror, revision)).names).toEqual(['.gitattributes', 'a']);
  await expect(lstat(trace)).rejects.toThrow('ENOENT');
});

test('the fixture makes hostile trees that git itself reports', async () => {
  const { repository } = await setUp(gitPath);
  await repository.commit({ a: 'x' }, 'one');
  const blob = await git(repository.folder, 'rev-parse', 'HEAD:a');
  const tree = await makeTree(repository.folder, `100644 blob ${blob}\t..\n`);
  const listing = await promisify(execFile)('git', ['-C', repository.folder, 'ls-tree', tree]);
  expect(listing.stdout).toContain('\t..');
});
