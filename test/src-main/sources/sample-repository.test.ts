import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findGit } from '../../../src-main/sources/git-cli.ts';
import { listRefs } from '../../../src-main/sources/list-refs.ts';
import { createMirror } from '../../../src-main/sources/mirror.ts';
import { createSampleRepository } from '../../../src-main/sources/sample-repository.ts';
import { serveRepository } from '../../../src-main/sources/serve-repository.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { git } from '../../support/git-server.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

async function sample() {
  const root = await scratchFolder();
  await mkdir(join(root, 'from', 'src'), { recursive: true });
  await writeFile(join(root, 'from', 'src', 'app.js'), 'one');
  await writeFile(join(root, 'from', 'README.md'), '# Sample');
  return {
    root,
    repository: await createSampleRepository({ from: join(root, 'from'), folder: join(root, 'repository') }),
  };
}

test('a sample repository is one that git takes, with one commit for each change', async () => {
  const { repository } = await sample();
  const second = await repository.commit({ 'src/app.js': 'two', 'new/file.txt': 'x' }, 'Change the app');
  expect(await git(repository.folder, 'rev-parse', 'main')).toBe(second);
  expect(await git(repository.folder, 'log', '--format=%s')).toBe('Change the app\nAdd the sample project');
  expect(await git(repository.folder, 'diff', '--name-only', 'HEAD~1')).toBe('new/file.txt\nsrc/app.js');
  expect(await git(repository.folder, 'status', '--porcelain')).toBe('');
  await git(repository.folder, 'fsck', '--strict');
  for (const path of ['../out.txt', '.git/config', '/etc/x/../../../..']) {
    await expect(repository.commit({ [path]: 'x' }, 'no'), path).rejects.toMatchObject({ code: 'input.invalid' });
  }
});

test('it is served over HTTP to both readers, until it is stopped', async () => {
  const { root, repository } = await sample();
  const served = await serveRepository({ repositoryFolder: repository.folder, host: '127.0.0.1', port: 0 });
  onTestFinished(() => served.stop());
  const revision = await repository.commit({ 'src/app.js': 'two' }, 'Change the app');
  expect(await listRefs({ url: served.url, timeoutMs: 10_000 })).toEqual({
    defaultBranch: 'main',
    branches: [{ name: 'main', revision }],
    limit: null,
  });
  for (const [name, gitPath] of [
    ['git', await findGit()],
    ['isomorphic', null],
  ] as const) {
    const mirror = createMirror({ folder: join(root, `${name}.git`), url: served.url, gitPath, logger: silentLogger });
    await mirror.fetch({ branch: 'main' });
    const targetFolder = join(root, name);
    await mirror.checkout({ revision, targetFolder });
    expect(await readFile(join(targetFolder, 'src', 'app.js'), 'utf8')).toBe('two');
    expect((await readdir(targetFolder)).sort()).toEqual(['README.md', 'src']);
  }
  expect((await fetch(new URL('/sample.git/git-receive-pack', served.url), { method: 'POST' })).status).toBe(404);
  expect((await fetch(new URL('/sample.git/../../etc/passwd', served.url))).status).toBe(404);
  await served.stop();
  await served.stop();
  await expect(listRefs({ url: served.url, timeoutMs: 10_000 })).rejects.toMatchObject({ code: 'git.unreachable' });
});
