/** Builds without an engine, held against what a real worker makes of the same commit. */
import { readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildLocally, type LocalBuildOptions } from '../../../src-main/cli/local-build.ts';
import { DomainError } from '../../../src-main/contract/errors.ts';
import { findBuildOfJob } from '../../../src-main/database/builds.ts';
import { entriesIn } from '../../support/artifact-trees.ts';
import { startBuilds } from '../../support/builds.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { git } from '../../support/git-server.ts';
import { projectFolder } from '../../support/project-folder.ts';

const files = {
  'slipway.yml': `env: { WORD: ahoy }
steps:
  - run: mkdir out
  - run: printf %s "$WORD $(ls | tr '\\n' ' ')" > out/word && chmod +x out/word
  - { run: "echo main >> out/word", when: { branches: [main] } }
  - { run: "echo elsewhere >> out/word", when: { branches: ["release/*"] } }
artifact: [out]
`,
  '.gitignore': 'ignored/\n*.tmp\n',
  'src/deep/file.txt': 'deep',
};

/** Builds, and gives the ids, the log and the steps. */
async function build(options: Partial<LocalBuildOptions> & { path: string }) {
  let log = '';
  const onLog = (lines: Uint8Array) => {
    log += Buffer.from(lines).toString('utf8');
  };
  const signal = options.signal ?? new AbortController().signal;
  const all = { dataFolder: '/nowhere', revision: null, branch: null, leftOut: null, signal, onLog, ...options };
  const built = await buildLocally(all, async ({ artifact, steps, revision, branch, isClean }) => ({
    artifactId: artifact.tree.artifactId,
    packDigest: artifact.pack.digest,
    infoHash: artifact.pack.infoHash,
    paths: entriesIn(artifact.tree).map(entry => entry.path),
    steps,
    revision,
    branch,
    isClean,
  }));
  return { ...built, log };
}

const failureOf = (options: Partial<LocalBuildOptions> & { path: string }) =>
  build(options).then(
    () => null,
    (error: unknown) => error,
  );

const workFolders = async () => (await readdir(tmpdir())).filter(name => name.startsWith('slipway-build-'));

describe('the build of a commit', () => {
  const onEnd = endsWithFile();
  let path = '';
  let revision = '';
  let byWorker: Awaited<ReturnType<typeof findBuildOfJob>>;

  beforeAll(async () => {
    const builds = await startBuilds({ onEnd });
    const repository = await builds.createRepository();
    const job = await builds.ended((await repository.push(files)).id);
    byWorker = await findBuildOfJob(builds.db, job.id);
    ({ revision } = job);
    const [source = ''] = await readdir(join(builds.root, 'sources'));
    path = join(builds.root, 'sources', source);
  });

  it('is what a worker makes of it, from the working tree and from the revision', async () => {
    await writeFile(join(path, 'left.tmp'), 'ignored, and so not seen by the steps');
    const made = { artifactId: byWorker?.artifactId, packDigest: byWorker?.packDigest, infoHash: byWorker?.infoHash };
    expect(made.artifactId).toMatch(/^[0-9a-f]{64}$/);
    expect(await build({ path })).toMatchObject({ ...made, revision, branch: 'main', isClean: true });
    for (const name of [revision, revision.slice(0, 8), 'main', 'HEAD']) {
      expect(await build({ path, revision: name })).toMatchObject({ ...made, revision });
    }
  });

  it('shows the steps and the log of a job', async () => {
    const { steps, log } = await build({ path });
    expect(steps.map(step => [step.phase, step.status])).toEqual([
      ['checkout', 'succeeded'],
      ['plan', 'succeeded'],
      ['toolchain', 'succeeded'],
      ['build', 'succeeded'],
      ['build', 'succeeded'],
      ['build', 'succeeded'],
      ['build', 'skipped'],
      ['pack', 'succeeded'],
    ]);
    expect(steps[6]?.detail).toBe('left out: it runs on release/*, not on main');
    expect(log).toContain('$ mkdir out');
    expect(log).toContain('Succeeded: artifact');
  });

  it('takes what is not committed yet, and what is another branch', async () => {
    await writeFile(join(path, 'new.txt'), 'new');
    await rm(join(path, 'src/deep/file.txt'));
    const changed = await build({ path });
    expect(changed).toMatchObject({ isClean: false });
    expect(changed.artifactId).not.toBe(byWorker?.artifactId);
    await git(path, 'reset', '--hard', '--quiet');
    await rm(join(path, 'new.txt'));
    const { steps } = await build({ path, branch: 'release/7' });
    expect(steps.map(step => step.status).slice(5, 7)).toEqual(['skipped', 'succeeded']);
  });

  it('reads nothing through a link that took the place of a folder', async () => {
    const outside = await projectFolder({ 'file.txt': 'of somebody else' });
    await rm(join(path, 'src/deep'), { recursive: true });
    await symlink(outside, join(path, 'src/deep'));
    // Ignored, the link itself is not taken; what git knows below it must not come from where it leads.
    await writeFile(join(path, '.gitignore'), 'src/deep\n');
    await writeFile(join(path, 'slipway.yml'), 'steps: []\n');
    expect((await build({ path })).paths).toEqual(['.gitignore', 'left.tmp', 'slipway.yml']);
    await git(path, 'reset', '--hard', '--quiet');
  });

  it('refuses what names no revision, and what git would read as an option', async () => {
    expect(await failureOf({ path, revision: 'nowhere' })).toMatchObject({ code: 'git.revision_missing' });
    expect(await failureOf({ path, revision: '--output=/x' })).toMatchObject({ code: 'input.invalid' });
    expect(await failureOf({ path: tmpdir(), revision: 'main' })).toMatchObject({ code: 'git.not_found' });
  });

  it('is cancelled in the middle of a step, and leaves no folder', async () => {
    const before = await workFolders();
    const abort = new AbortController();
    await writeFile(join(path, 'slipway.yml'), 'steps: [{ run: "echo begun; exec sleep 600" }]\n');
    const onLog = (lines: Uint8Array) => {
      if (/^begun$/m.test(Buffer.from(lines).toString('utf8')))
        abort.abort(new DomainError('job.cancelled', 'Cancelled.'));
    };
    expect(await failureOf({ path, signal: abort.signal, onLog })).toMatchObject({ code: 'job.cancelled' });
    expect(await workFolders()).toEqual(before);
    await git(path, 'reset', '--hard', '--quiet');
  });
});

describe('the build of a folder', () => {
  it('takes all of it but what is left out', async () => {
    const path = await projectFolder({ 'slipway.yml': 'steps: []\n', 'a/b.txt': 'b', 'out/old.json': '{}' });
    const built = await build({ path, leftOut: join(path, 'out') });
    expect(built).toMatchObject({ revision: null, branch: null, isClean: null });
    expect(built.paths).toEqual(['a/b.txt', 'slipway.yml']);
    expect(await failureOf({ path, leftOut: path })).toMatchObject({ code: 'conflict' });
    expect(await failureOf({ path: join(path, 'nowhere') })).toMatchObject({ code: 'not_found' });
  });

  it('fails as a job fails, with the first error of the step that failed', async () => {
    const path = await projectFolder({
      'slipway.yml': 'steps:\n  - { name: Compile, run: "echo fine; echo main.c:3:1: error: no luck; exit 3" }\n',
    });
    expect(await failureOf({ path })).toMatchObject({
      code: 'step.failed',
      message: expect.stringMatching(/^"Compile" .* exit code 3: main\.c:3:1: error: no luck$/),
      details: { exitCode: 3, firstError: { line: 'main.c:3:1: error: no luck' } },
    });
    expect(await failureOf({ path: await projectFolder({}) })).toMatchObject({ code: 'plan.nothing_detected' });
  });
});
