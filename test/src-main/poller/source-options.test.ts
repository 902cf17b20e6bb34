import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { findRepository } from '../../../src-main/database/repositories.ts';
import { matchesPattern } from '../../../src-main/sources/list-tags.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { type GitServer, git, startGitServer } from '../../support/git-server.ts';
import { startPolling } from '../../support/polling.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { createSvnRepository, hasSubversion } from '../../support/svn-server.ts';

const onEnd = endsWithFile();
let server: GitServer;
let names = 0;

beforeAll(async () => {
  server = await startGitServer();
  onEnd(() => server.stop());
});

async function newRepository() {
  names += 1;
  return server.createRepository(`repository-${names}`);
}

async function start() {
  const polling = await startPolling();
  return {
    ...polling,
    revisionsOf: async (repositoryId: string) => (await polling.jobsOf(repositoryId)).map(job => job.revision),
    skippedOf: async (repositoryId: string) =>
      (await polling.eventsOf(repositoryId)).filter(({ type }) => type === 'revision.skipped'),
  };
}

describe('a repository of several projects', () => {
  it('makes jobs only of changes below the chosen paths, and tells what it skipped', async () => {
    const { db, poller, repositories, revisionsOf, skippedOf } = await start();
    const source = await newRepository();
    const first = await source.commit({ 'api/a': '1', 'web/a': '1' }, 'first');
    const { id } = await repositories.add({ url: source.url, source: { paths: ['api', 'shared/lock'] } });
    const web = await source.commit({ 'web/a': '2', 'apiary/a': '1' }, 'web');
    await poller.pollNow(id);
    await poller.pollNow(id);
    expect(await revisionsOf(id)).toEqual([first]);
    expect(await skippedOf(id)).toMatchObject([{ data: { revision: web, paths: ['api', 'shared/lock'] } }]);
    expect((await findRepository(db, id))?.currentRevision).toBe(web);
    const api = await source.commit({ 'api/a': '2' }, 'api');
    await poller.pollNow(id);
    const shared = await source.commit({ 'shared/lock': '1' }, 'shared');
    await poller.pollNow(id);
    expect(await revisionsOf(id)).toEqual([first, api, shared]);
    await repositories.setSource(id, { paths: [] });
    const other = await source.commit({ 'web/a': '3' }, 'web');
    await poller.pollNow(id);
    expect((await revisionsOf(id)).at(-1)).toBe(other);
  });
});

describe('every commit', () => {
  it('between two looks makes a job, in order, of a merge the merge alone, and below the paths alone', async () => {
    const { poller, repositories, revisionsOf, skippedOf } = await start();
    const source = await newRepository();
    const first = await source.commit({ 'api/a': '1' }, 'first');
    const { id } = await repositories.add({ url: source.url, source: { everyCommit: true, paths: ['api'] } });
    const second = await source.commit({ 'api/a': '2' }, 'second');
    const other = await source.commit({ 'web/a': '2' }, 'not of the path');
    await git(source.folder, 'checkout', '--quiet', '-b', 'side', first);
    const side = await source.commit({ 'api/side': '1' }, 'side');
    await git(source.folder, 'checkout', '--quiet', 'main');
    await git(source.folder, 'merge', '--quiet', '-m', 'merge', 'side');
    const merge = await git(source.folder, 'rev-parse', 'HEAD');
    await poller.pollNow(id);
    expect(await revisionsOf(id)).toEqual([first, second, merge]);
    expect(await revisionsOf(id)).not.toContain(side);
    expect((await skippedOf(id)).map(({ data }) => data.revision)).toEqual([other]);
  });

  it.skipIf(!hasSubversion)('a Subversion repository makes a job of each revision of its branch', async () => {
    const { poller, repositories, revisionsOf } = await start();
    const source = await createSvnRepository(join(await scratchFolder(), 'svn'));
    const first = await source.commit({ 'trunk/a': '1' }, 'first');
    const { id } = await repositories.add({ url: source.url, source: { everyCommit: true } });
    const second = await source.commit({ 'trunk/a': '2' }, 'second');
    await source.commit({ 'branches/x/a': '2' }, 'elsewhere');
    const third = await source.commit({ 'trunk/a': '3' }, 'third');
    await poller.pollNow(id);
    expect(await revisionsOf(id)).toEqual([first, second, third]);
    await expect(repositories.setSource(id, { submodules: true })).rejects.toMatchObject({ code: 'input.invalid' });
  });
});

describe.each(['over HTTP', 'on this machine'])('tags %s', way => {
  it('that fit the pattern make jobs, the newest at first and each new or moved one from then on', async () => {
    const { poller, repositories, revisionsOf } = await start();
    const source = await newRepository();
    const first = await source.commit({ a: '1' }, 'first');
    await git(source.folder, 'tag', 'v9');
    await source.commit({ a: '2' }, 'second');
    await git(source.folder, 'tag', '-a', '-m', 'ten', 'v10');
    const second = await git(source.folder, 'rev-parse', 'HEAD');
    const url = way === 'over HTTP' ? source.url : source.folder;
    const { id } = await repositories.add({ url, source: { tags: 'v*' } });
    expect(await revisionsOf(id)).toEqual([second]);
    const third = await source.commit({ a: '3' }, 'third');
    await git(source.folder, 'tag', 'nightly');
    await poller.pollNow(id);
    expect(await revisionsOf(id)).toEqual([second]);
    await git(source.folder, 'tag', 'v11');
    await poller.pollNow(id);
    await poller.pollNow(id);
    expect(await revisionsOf(id)).toEqual([second, third]);
    await git(source.folder, 'tag', '--force', 'v11', first);
    await poller.pollNow(id);
    expect(await revisionsOf(id)).toEqual([second, third, first]);
  });
});

it.each([
  ['v*', 'v1.2', true],
  ['v*', 'rv1', false],
  ['*-rc*', 'v1-rc2', true],
  ['v1', 'v10', false],
  ['*', '', true],
  [`${'*a'.repeat(40)}b`, 'a'.repeat(250), false],
])('the pattern %s fits %s: %s', (pattern, name, fits) => {
  expect(matchesPattern(pattern, name)).toBe(fits);
});
