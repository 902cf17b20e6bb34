import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { listJobs } from '../../../src-main/database/jobs.ts';
import { listRepositories } from '../../../src-main/database/repositories.ts';
import { createPollSchedule, hostOfUrl } from '../../../src-main/poller/poll-schedule.ts';
import { changeBuildDefaults } from '../../../src-main/queue/build-defaults.ts';
import { findGit } from '../../../src-main/sources/git-cli.ts';
import { listRefs } from '../../../src-main/sources/list-refs.ts';
import { createMirror } from '../../../src-main/sources/mirror.ts';
import { sshErrorOf } from '../../../src-main/sources/ssh-program.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { addRepository, testDatabase } from '../../support/database-fixtures.ts';
import { startTestHost } from '../../support/engine.ts';
import { eventually } from '../../support/eventually.ts';
import { startGitServer } from '../../support/git-server.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const url = 'git@git.example.test:team/app.git';
const noted = '/data/known_hosts';

// What OpenSSH 9.2, and forges through it, write.
describe('what ssh says', () => {
  it.each([
    [
      'git.auth_failed',
      /accepts no ssh key/,
      'git@git.example.test: Permission denied (publickey).\nfatal: Could not read from remote repository.',
    ],
    [
      'git.host_key_changed',
      /ssh-keygen -R "git\.example\.test" -f "\/data\/known_hosts"/,
      '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nOffending ED25519 key in /data/known_hosts:3\nHost key verification failed.\nfatal: Could not read',
    ],
    ['toolchain.missing', /OpenSSH/, '/bin/sh: 1: ssh: not found\nfatal: Could not read from remote repository.'],
    [
      'git.not_found',
      /Repository not found/,
      'ERROR: Repository not found.\nfatal: Could not read from remote repository.',
    ],
    [
      'git.not_found',
      /could not be found/,
      'remote: \nremote: ERROR: The project you were looking for could not be found.\nremote: \nfatal: Could not read',
    ],
    [
      'git.unreachable',
      /Could not resolve hostname/,
      'ssh: Could not resolve hostname git.example.test: Name or service not known\nfatal: Could not read',
    ],
    [
      'git.unreachable',
      /Connection refused/,
      'ssh: connect to host git.example.test port 22: Connection refused\nfatal: Could not read',
    ],
    [
      'git.unreachable',
      /kex_exchange/,
      'kex_exchange_identification: Connection closed by remote host\nfatal: Could not read',
    ],
  ])('%s %s', async (code, message, stderr) => {
    expect(await sshErrorOf(url, stderr, noted)).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

it('repeats no path that a server has put into the words of ssh', async () => {
  const stderr =
    'REMOTE HOST IDENTIFICATION HAS CHANGED!\nOffending ED25519 key in /x"; touch /tmp/y; ":1\nHost key verification failed.';
  const error = await sshErrorOf(url, stderr, noted);
  expect(error?.message).not.toContain('touch');
  expect(error?.message).toContain(`-f "${noted}"`);
  const coloured = await sshErrorOf(url, 'ERROR: \u001b[31mRepository not found.\u0007', noted);
  expect(coloured?.message).not.toMatch(/\p{Cc}/u);
});

it('asks an ssh server for two repositories at once, however many it has', async () => {
  const { db } = await testDatabase();
  for (let index = 0; index < 5; index++) await addRepository(db, `git@git.example.test:team/app-${index}.git`);
  await addRepository(db, 'git@other.example.test:app.git');
  const schedule = createPollSchedule(10_000);
  schedule.replace(await listRepositories(db), 1);
  expect(
    schedule
      .begin(1)
      .map(({ host }) => host)
      .sort(),
  ).toEqual(['ssh://git.example.test', 'ssh://git.example.test', 'ssh://other.example.test']);
  expect(schedule.begin(1)).toEqual([]);
});

it('polls each ssh server as a host of its own', () => {
  expect(hostOfUrl(url)).toBe('ssh://git.example.test');
  expect(hostOfUrl('ssh://git@git.example.test/team/app')).toBe('ssh://git.example.test');
  expect(hostOfUrl('ssh://git@git.example.test:2222/team/app')).toBe('ssh://git.example.test:2222');
  expect(hostOfUrl('/srv/app')).toBe('this machine');
});

/** A stand-in for the ssh program, which notes its arguments and runs the server's side here: there need be no server, only git's transport. */
async function withStandIn() {
  const folder = await scratchFolder();
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const notes = join(folder, 'arguments');
  const script = `#!/bin/sh\nprintf '%s\\n' "$@" >> '${notes}'\nfor last; do :; done\nexec sh -c "$last"\n`;
  await writeFile(join(bin, 'ssh'), script);
  await chmod(join(bin, 'ssh'), 0o755);
  vi.stubEnv('PATH', `${bin}${delimiter}${process.env.PATH}`);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  return { folder, notes: async () => (await readFile(notes, 'utf8')).split('\n') };
}

describe.skipIf(process.platform === 'win32')('git over ssh', () => {
  it('lists, fetches and checks out with options of ours alone', async () => {
    const { folder, notes } = await withStandIn();
    const sources = await startGitServer();
    onTestFinished(() => sources.stop());
    const source = await sources.createRepository('app');
    const revision = await source.commit({ 'a.txt': '1' }, 'First');
    const address = `ssh://git@git.example.test:2222${source.folder}`;
    const access = { loginFor: async () => null, knownHostsFile: "/data/it's 100 %/known_hosts" };
    expect(await listRefs({ url: address, timeoutMs: 60_000, branch: 'main', access })).toMatchObject({
      branches: [{ name: 'main', revision }],
    });
    const gitPath = await findGit();
    const mirror = createMirror({ folder: join(folder, 'm.git'), url: address, gitPath, logger: silentLogger, access });
    await mirror.fetch({ branch: 'main', revision });
    await mirror.checkout({ revision, targetFolder: join(folder, 'target') });
    expect(await readFile(join(folder, 'target/a.txt'), 'utf8')).toBe('1');
    const given = await notes();
    expect(given).toEqual(
      expect.arrayContaining(['BatchMode=yes', 'StrictHostKeyChecking=accept-new', 'ForwardAgent=no']),
    );
    expect(given).toContainEqual(
      expect.stringMatching(/^UserKnownHostsFile="\/data\/it's 100 %%\/known_hosts" ".*\.ssh\/known_hosts"$/),
    );
    expect(given).toEqual(expect.arrayContaining(['-p', '2222', 'git@git.example.test']));
  });

  it('is watched, polled and built by a worker, in a form that is read the same again', async () => {
    await withStandIn();
    const sources = await startGitServer();
    onTestFinished(() => sources.stop());
    const source = await sources.createRepository('app');
    await source.commit(
      { 'slipway.yml': 'steps:\n  - run: mkdir dist && cp slipway.yml dist\nartifact: [dist]\n' },
      'First',
    );
    const { engine } = await startTestHost(onTestFinished, { workers: 1 });
    await changeBuildDefaults(engine.db, { isolation: 'none', keepFreeBytes: 0 });
    const address = `git@git.example.test:${source.folder}`;
    const added = await engine.repositories.add({ url: `git clone ${address}` });
    expect(added).toMatchObject({ url: address, pollError: null, name: 'app' });
    await expect(engine.repositories.add({ url: address })).rejects.toMatchObject({ code: 'conflict' });
    await eventually(
      async () =>
        (await listJobs(engine.db, { repositoryId: added.id, limit: 5 })).some(job => job.status === 'succeeded'),
      { what: 'its build' },
    );
  });

  it('needs the git program, and says so', async () => {
    const { folder } = await withStandIn();
    vi.stubEnv('PATH', join(folder, 'bin'));
    await expect(listRefs({ url, timeoutMs: 60_000 })).rejects.toMatchObject({ code: 'toolchain.missing' });
    const mirror = createMirror({ folder: join(folder, 'm.git'), url, gitPath: null, logger: silentLogger });
    await expect(mirror.fetch({ branch: 'main' })).rejects.toMatchObject({ code: 'toolchain.missing' });
  });
});
