/** Tests what becomes of a watched branch that is deleted, renamed, rewritten, or no longer the default, over real servers. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { branchStateOf, findRepository, updateRepository } from '../../../src-main/database/repositories.ts';
import { eventually } from '../../support/eventually.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { type GitServer, git, startGitServer, type TestRepository } from '../../support/git-server.ts';
import { startPolling } from '../../support/polling.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { createSvnRepository, hasSubversion, svn } from '../../support/svn-server.ts';

const onEnd = endsWithFile();
let server: GitServer;
let names = 0;

beforeAll(async () => {
  server = await startGitServer();
  onEnd(() => server.stop());
});

async function newRepository() {
  names += 1;
  const repository = await server.createRepository(`repository-${names}`);
  const first = await repository.commit({ 'a.txt': '1' }, 'First');
  return { ...repository, first };
}

async function start(options: Parameters<typeof startPolling>[0] = {}) {
  const polling = await startPolling(options);
  const { db, eventsOf } = polling;
  return {
    ...polling,
    changesOf: async (id: string) =>
      (await eventsOf(id)).filter(({ type }) => type === 'branch.changed').map(({ data }) => data),
    stateOf: async (id: string) => {
      const repository = await findRepository(db, id);
      return repository && branchStateOf(repository);
    },
    revisionsOf: async (id: string) => (await polling.jobsOf(id)).map(job => job.revision),
  };
}

/** As a forge renames: HEAD follows. */
const renameBranch = ({ folder }: TestRepository, from: string, to: string) => git(folder, 'branch', '-m', from, to);

describe.each(['over HTTP', 'on this machine'] as const)('a branch %s', way => {
  const addressOf = ({ url, folder }: TestRepository) => (way === 'over HTTP' ? url : folder);

  it('that is deleted is a state, told once, and is taken up again when it comes back', async () => {
    const { db, poller, repositories, changesOf, stateOf, errorOf, revisionsOf } = await start();
    const source = await newRepository();
    await git(source.folder, 'branch', 'release');
    const { id } = await repositories.add({ url: addressOf(source), branch: 'release' });
    // Elsewhere by now, so that no branch is where the deleted one was.
    await source.commit({ 'a.txt': '2' }, 'Second');
    await git(source.folder, 'branch', '-D', 'release');
    await poller.pollNow(id);
    await poller.pollNow(id);
    expect(await changesOf(id)).toEqual([{ change: 'gone', branch: 'release', successor: 'main' }]);
    expect(await stateOf(id)).toMatchObject({ gone: { successor: 'main' } });
    expect(await errorOf(id)).toMatchObject({
      code: 'git.branch_missing',
      message: expect.stringContaining('slipway repo set NAME --branch main'),
    });
    // No failure, after which looks become rare.
    expect(await findRepository(db, id)).toMatchObject({ pollFailures: 0 });
    await git(source.folder, 'branch', 'release', 'main');
    await poller.pollNow(id);
    await poller.pollNow(id);
    expect((await changesOf(id)).slice(1)).toEqual([{ change: 'back', branch: 'release' }]);
    expect(await stateOf(id)).toMatchObject({ gone: null, rewritten: null });
    expect(await errorOf(id)).toBeNull();
    expect(await revisionsOf(id)).toEqual([source.first, await git(source.folder, 'rev-parse', 'main')]);
  });

  it('that is renamed names the one that is where it was, which a person watches without a build of the same again', async () => {
    const { poller, repositories, changesOf, stateOf, errorOf, jobsOf, revisionsOf, eventsOf } = await start();
    const source = await newRepository();
    await git(source.folder, 'branch', 'release');
    const { id } = await repositories.add({ url: addressOf(source), branch: 'release' });
    await source.commit({ 'a.txt': '2' }, 'Second');
    await renameBranch(source, 'release', 'stable');
    await poller.pollNow(id);
    expect(await changesOf(id)).toEqual([{ change: 'gone', branch: 'release', successor: 'stable' }]);
    await repositories.setBranch(id, 'stable');
    await repositories.setBranch(id, 'stable');
    expect((await changesOf(id)).slice(1)).toEqual([{ change: 'chosen', branch: 'stable', from: 'release' }]);
    expect(await stateOf(id)).toMatchObject({ gone: null, isFresh: false });
    expect(await errorOf(id)).toBeNull();
    expect((await eventsOf(id)).map(({ type }) => type)).toContain('poll.recovered');
    expect(await revisionsOf(id)).toEqual([source.first]);
    await git(source.folder, 'checkout', '--quiet', 'stable');
    const next = await source.commit({ 'b.txt': '1' }, 'On the new name');
    await poller.pollNow(id);
    expect(await jobsOf(id)).toMatchObject([
      { revision: source.first, status: 'queued' },
      { revision: next, status: 'queued' },
    ]);
    expect(await stateOf(id)).toMatchObject({ rewritten: null });
  });

  it('whose history a forced push replaced is built at its new head, which its record says', async () => {
    const { poller, repositories, changesOf, stateOf, revisionsOf } = await start();
    const source = await newRepository();
    const { id } = await repositories.add({ url: addressOf(source) });
    const left = await source.commit({ 'a.txt': 'left' }, 'Left behind');
    await poller.pollNow(id);
    expect(await changesOf(id)).toEqual([]);
    await git(source.folder, 'reset', '--quiet', '--hard', source.first);
    const replaced = await source.commit({ 'a.txt': 'instead' }, 'Instead');
    await poller.pollNow(id);
    await poller.pollNow(id);
    expect(await changesOf(id)).toEqual([{ change: 'rewritten', branch: 'main', from: left, to: replaced }]);
    expect(await stateOf(id)).toMatchObject({ rewritten: { from: left, to: replaced, atMs: expect.any(Number) } });
    expect((await revisionsOf(id)).at(-1)).toBe(replaced);
  });
});

describe('the default branch of a remote', () => {
  it('that changes while the old one stays is told once, and the old one is still watched', async () => {
    const { poller, repositories, changesOf, stateOf, errorOf, revisionsOf } = await start();
    const source = await newRepository();
    const { id } = await repositories.add({ url: source.url });
    await poller.pollNow(id);
    expect(await stateOf(id)).toMatchObject({ defaultBranch: 'main', formerDefault: null });
    await git(source.folder, 'checkout', '--quiet', '-b', 'trunk');
    await source.commit({ 'a.txt': '2' }, 'On the new default');
    await poller.pollNow(id);
    await poller.pollNow(id);
    expect(await changesOf(id)).toEqual([{ change: 'default', branch: 'main', from: 'main', to: 'trunk' }]);
    expect(await stateOf(id)).toMatchObject({ defaultBranch: 'trunk', formerDefault: { name: 'main' } });
    expect(await errorOf(id)).toBeNull();
    expect(await revisionsOf(id)).toEqual([source.first]);
  });

  it('is asked for now and then where looks do not tell it', async () => {
    const old = await startGitServer({ isOld: true });
    onTestFinished(() => old.stop());
    const source = await old.createRepository('app');
    await source.commit({ 'a.txt': '1' }, 'First');
    let now = Date.now();
    const { poller, repositories, changesOf, stateOf } = await start({ clock: () => now });
    const { id } = await repositories.add({ url: source.url });
    await poller.pollNow(id);
    expect(await stateOf(id)).toMatchObject({ defaultBranch: null });
    const later = async () => {
      now += 11 * 60_000;
      await poller.pollNow(id);
    };
    await later();
    expect(await stateOf(id)).toMatchObject({ defaultBranch: 'main' });
    await git(source.folder, 'checkout', '--quiet', '-b', 'trunk');
    await poller.pollNow(id);
    expect(await changesOf(id)).toEqual([]);
    await later();
    expect(await changesOf(id)).toEqual([{ change: 'default', branch: 'main', from: 'main', to: 'trunk' }]);
  });

  it('that is renamed is told as gone and as changed', async () => {
    const { poller, repositories, changesOf, stateOf } = await start();
    const source = await newRepository();
    const { id } = await repositories.add({ url: source.url });
    await poller.pollNow(id);
    await renameBranch(source, 'main', 'trunk');
    await poller.pollNow(id);
    expect(await changesOf(id)).toEqual([
      { change: 'gone', branch: 'main', successor: 'trunk' },
      { change: 'default', branch: 'main', from: 'main', to: 'trunk' },
    ]);
    expect(await stateOf(id)).toMatchObject({ gone: { successor: 'trunk' }, defaultBranch: 'trunk' });
  });

  it('is no business of a working tree on this machine, in which a person switches branches', async () => {
    const { poller, repositories, changesOf } = await start();
    const source = await newRepository();
    const { id } = await repositories.add({ url: source.folder });
    await poller.pollNow(id);
    await git(source.folder, 'checkout', '--quiet', '-b', 'trunk');
    await poller.pollNow(id);
    expect(await changesOf(id)).toEqual([]);
    const bare = join(await scratchFolder(), 'bare.git');
    await git(source.folder, 'clone', '--quiet', '--bare', source.folder, bare);
    const { id: second } = await repositories.add({ url: bare, branch: 'main' });
    await git(bare, 'symbolic-ref', 'HEAD', 'refs/heads/main');
    await poller.pollNow(second);
    expect(await changesOf(second)).toEqual([{ change: 'default', branch: 'main', from: 'trunk', to: 'main' }]);
  });
});

it('a repository that has lost all its branches is a state too', async () => {
  const { poller, repositories, changesOf, errorOf } = await start();
  const source = await newRepository();
  const { id } = await repositories.add({ url: source.url });
  await git(source.folder, 'update-ref', '-d', 'refs/heads/main');
  await poller.pollNow(id);
  expect(await changesOf(id)).toEqual([{ change: 'gone', branch: 'main', successor: null }]);
  expect(await errorOf(id)).toMatchObject({ code: 'git.branch_missing', retry: 'user' });
});

it('a branch that comes back is seen by the poller itself, at its usual pace', async () => {
  const { db, poller, repositories, errorOf, revisionsOf } = await start();
  const source = await newRepository();
  await git(source.folder, 'branch', 'release');
  const { id } = await repositories.add({ url: source.url, branch: 'release' });
  await updateRepository(db, id, { pollIntervalMs: 2_000 });
  await git(source.folder, 'branch', '-D', 'release');
  poller.start();
  await eventually(async () => (await errorOf(id)) !== null, { what: 'the state' });
  const next = await source.commit({ 'a.txt': '2' }, 'Second');
  await git(source.folder, 'branch', 'release');
  await eventually(async () => (await revisionsOf(id)).includes(next), { what: 'the job' });
});

describe('watching another branch', () => {
  it('builds its head, keeps what is queued of the old one, and is no forced push', async () => {
    const { poller, repositories, changesOf, stateOf, jobsOf } = await start();
    const source = await newRepository();
    const { id } = await repositories.add({ url: source.url });
    await git(source.folder, 'checkout', '--quiet', '--orphan', 'other');
    const other = await source.commit({ 'b.txt': '1' }, 'Of another history');
    await repositories.setBranch(id, 'other');
    await poller.pollNow(id);
    expect(await jobsOf(id)).toMatchObject([
      { revision: source.first, status: 'queued' },
      { revision: other, status: 'queued' },
    ]);
    expect(await changesOf(id)).toEqual([{ change: 'chosen', branch: 'other', from: 'main' }]);
    expect(await stateOf(id)).toMatchObject({ rewritten: null, isFresh: false });
    // From now on it is.
    await git(source.folder, 'commit', '--quiet', '--amend', '-m', 'Amended');
    await poller.pollNow(id);
    expect((await jobsOf(id)).map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'queued']);
  });

  it('of one that is missing, or watched already, is refused, and nothing changes', async () => {
    const { db, repositories, changesOf } = await start();
    const source = await newRepository();
    await git(source.folder, 'branch', 'next');
    const { id } = await repositories.add({ url: source.url });
    await repositories.add({ url: source.url, branch: 'next', name: 'The next one' });
    await expect(repositories.setBranch(id, 'none')).rejects.toMatchObject({ code: 'git.branch_missing' });
    await expect(repositories.setBranch(id, 'next')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('The next one'),
    });
    await expect(repositories.setBranch('nothing', 'next')).rejects.toMatchObject({ code: 'not_found' });
    expect(await findRepository(db, id)).toMatchObject({ branch: 'main' });
    expect(await changesOf(id)).toEqual([]);
  });
});

it.skipIf(!hasSubversion)('a branch of Subversion that is gone names the trunk', async () => {
  const { poller, repositories, changesOf } = await start();
  const source = await createSvnRepository(join(await scratchFolder(), 'svn'));
  await source.commit({ 'trunk/a': '1', 'branches/x/a': '1' }, 'first');
  const { id } = await repositories.add({ url: source.url, branch: 'branches/x' });
  await svn(source.tree, 'delete', '-m', 'no more', `${source.url}/branches/x`);
  await poller.pollNow(id);
  expect(await changesOf(id)).toEqual([{ change: 'gone', branch: 'branches/x', successor: 'trunk' }]);
  await repositories.setBranch(id, 'trunk');
  expect((await changesOf(id)).at(-1)).toEqual({ change: 'chosen', branch: 'trunk', from: 'branches/x' });
});
