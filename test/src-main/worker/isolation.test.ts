/** Builds under bubblewrap on a real worker: what they cannot reach, what they need and have, and how they end. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { listAttempts } from '../../../src-main/database/attempts.ts';
import { findBuildOfJob } from '../../../src-main/database/builds.ts';
import type { JobRecord } from '../../../src-main/database/jobs.ts';
import { chooseForRepository } from '../../../src-main/queue/build-defaults.ts';
import { createBuildEnvironment } from '../../../src-main/queue/build-environment.ts';
import { cancelJob } from '../../../src-main/queue/enqueue.ts';
import { openMasterKey } from '../../../src-main/secrets/master-key.ts';
import { pipeline, startBuilds } from '../../support/builds.ts';
import { eventually } from '../../support/eventually.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { hasBubblewrap } from '../../support/isolation.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const onEnd = endsWithFile();
const errorOf = (job: JobRecord) => JSON.parse(job.error ?? 'null');

/** Living processes with `marker` in their arguments. */
async function withMarker(marker: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name));
  const words = await Promise.all(pids.map(pid => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')));
  return pids.filter((_, index) => words[index]?.includes(marker));
}

describe.skipIf(!hasBubblewrap)('a build under bubblewrap', () => {
  let builds: Awaited<ReturnType<typeof startBuilds>>;
  let home = '';

  beforeAll(async () => {
    home = await scratchFolder(onEnd);
    for (const [file, text] of [
      ['.ssh/id_ed25519', 'person-ssh'],
      ['.aws/credentials', 'person-aws'],
      ['.npmrc', 'person-npm'],
      ['.cargo/credentials.toml', 'person-cargo'],
      ['.cargo/bin/ferry', '#!/bin/sh\necho ferry-runs\n'],
      ['.nvm/versions/node/v1/bin/skiff', '#!/bin/sh\ncat "$(dirname "$0")/../lib/skiff.txt"\n'],
      ['.nvm/versions/node/v1/lib/skiff.txt', 'skiff-runs\n'],
    ] as const) {
      await mkdir(join(home, file, '..'), { recursive: true });
      await writeFile(join(home, file), text, { mode: 0o755 });
    }
    const path = `${home}/.cargo/bin:${home}/.nvm/versions/node/v1/bin:${process.env.PATH}`;
    builds = await startBuilds({ onEnd, defaults: { isolation: 'auto' }, env: { HOME: home, PATH: path } });
  });

  async function run(files: Readonly<Record<string, string>>): Promise<{ job: JobRecord; log: string }> {
    const repository = await builds.createRepository();
    const job = await builds.ended((await repository.push(files)).id);
    return { job, log: stripVTControlCharacters(await builds.log(job)) };
  }

  it('sees neither the data folder nor what is private in the home folder', async () => {
    await writeFile(join(builds.folder.keys, 'probe'), 'engine-key');
    const { job, log } = await run({
      'slipway.yml': pipeline(
        `ls -A ${builds.root}; ls -A ${builds.folder.work}; cat ${builds.folder.keys}/probe 2>&1 || echo "no keys"`,
        'cd ~; cat .ssh/id_ed25519 .aws/credentials .npmrc .cargo/credentials.toml 2>&1 || echo "nothing private"',
        'cat /etc/shadow 2>/dev/null || echo "no shadow"; ls /run/docker.sock 2>/dev/null || echo "no sockets"',
      ),
    });
    expect(job.status, log).toBe('succeeded');
    for (const text of ['no keys\n', 'nothing private\n', 'no shadow\n', 'no sockets\n']) expect(log).toContain(text);
    expect(log).not.toMatch(/engine-key|person-|slipway\.db|engine\.lock/);
    // Of all that lies in the data folder there is its own tree, and no other's.
    expect(log).toContain(`\nwork\n${job.id}-${job.attempt}\n`);
  });

  it('writes into its tree, its home and /tmp, and nowhere else', async () => {
    const outside = await scratchFolder();
    const repository = await builds.createRepository();
    const commands = [
      'touch here ~/kept /tmp/there "$TMPDIR/too"',
      `touch ${outside}/escaped 2>/dev/null || echo "not there"; touch /usr/escaped /etc/escaped 2>/dev/null || echo "not in the system"`,
      'touch ~/.cargo/bin/escaped 2>/dev/null || echo "not in the tools"',
    ];
    const first = await builds.ended((await repository.push({ 'slipway.yml': pipeline(...commands) })).id);
    const log = await builds.log(first);
    expect(first.status, log).toBe('succeeded');
    for (const text of ['not there\n', 'not in the system\n', 'not in the tools\n']) expect(log).toContain(text);
    expect(await readdir(outside)).toEqual([]);
    expect(await readdir(home)).not.toContain('kept');
    // The home is the repository's: its next build finds the caches of this one.
    const second = await builds.ended((await repository.push({ 'slipway.yml': pipeline('test -e ~/kept') })).id);
    expect(second.status, await builds.log(second)).toBe('succeeded');
    const { job } = await run({ 'slipway.yml': pipeline('test ! -e ~/kept') });
    expect(job.status).toBe('succeeded');
  });

  it('has the tools of PATH, also those of the home folder, and builds what it would build without', async () => {
    const files = { 'slipway.yml': pipeline('ferry; skiff; node --version; git --version; sh -c "echo out > made"') };
    const { job, log } = await run(files);
    expect(job.status, log).toBe('succeeded');
    expect(log).toContain('ferry-runs\nskiff-runs\nv');
    expect(log).toContain('isolation: bubblewrap\n');
    const plain = await run({ ...files, 'slipway.yml': `isolation: none\n${files['slipway.yml']}` });
    expect(plain.log).toContain('isolation: not isolated: builds of this repository can act as you');
    const paths = async (of: JobRecord) => (await findBuildOfJob(builds.db, of.id))?.fileCount;
    expect(await paths(plain.job)).toBe(await paths(job));
    const levels = await Promise.all([job, plain.job].map(of => listAttempts(builds.db, of.id)));
    expect(levels.map(([attempt]) => JSON.parse(attempt?.isolation ?? 'null').level)).toEqual(['bubblewrap', 'none']);
  });

  it('has the whole checkout where the project is a folder of it', async () => {
    const { job, log } = await run({
      'slipway.yml': `root: packages/api\n${pipeline('cat ../shared/name; echo made > ../shared/made; basename "$PWD"')}`,
      'packages/api/main.txt': 'api\n',
      'packages/shared/name': 'of a neighbour\n',
    });
    expect(job.status, log).toBe('succeeded');
    expect(log).toContain('isolation: bubblewrap\n');
    expect(log).toContain('of a neighbour\napi\n');
  });

  it('has the network, unless it is told not to', async () => {
    const server = createServer((_request, response) => response.end('reached\n'));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    try {
      const address = server.address();
      const port = typeof address === 'object' ? address?.port : 0;
      const probe = `require('http').get('http://127.0.0.1:${port}', r => r.pipe(process.stdout)).on('error', e => console.log('no network: ' + e.code))`;
      const yaml = pipeline('node probe.js');
      expect((await run({ 'slipway.yml': yaml, 'probe.js': probe })).log).toContain('reached\n');
      const cut = await run({ 'slipway.yml': `isolation: { network: false }\n${yaml}`, 'probe.js': probe });
      expect(cut.log).toContain('isolation: bubblewrap, no network\n');
      expect(cut.log).toContain('no network: ECONNREFUSED\n');
    } finally {
      server.close();
    }
  });

  it('gets its secrets by no command line, and no variable of it acts outside', async () => {
    const repository = await builds.createRepository();
    const environment = createBuildEnvironment({
      db: builds.db,
      masterKey: await openMasterKey({ folder: builds.folder.keys }),
      clock: Date.now,
      onChanged: () => undefined,
    });
    await environment.setSecret({ repositoryId: repository.id, name: 'TOKEN', value: 'sesame-open' });
    const waits = pipeline('test $(printf %s "$TOKEN" | wc -c) = 11; until test -e /tmp/go; do sleep 0.05; done');
    const job = await repository.push({
      // The loader complains on stderr of whatever it cannot load, once for each program that is started.
      'slipway.yml': `env: { LD_PRELOAD: /nowhere/evil.so }\nsecrets: [TOKEN]\n${waits}`,
    });
    const inTree = join(builds.folder.workOf(job.id, 1), 'tmp');
    await eventually(async () => (await withMarker('test -e /tmp/go')).length > 0, { what: 'the step' });
    expect(await withMarker('sesame-open')).toEqual([]);
    await writeFile(join(inTree, 'go'), '');
    const ended = await builds.ended(job.id);
    expect(ended.status, await builds.log(ended)).toBe('succeeded');
    expect(await builds.log(ended)).toContain('evil.so');
    expect(await builds.log(ended)).not.toMatch(/bwrap: |ERROR.*bwrap/);
  });

  it('is interrupted, may clean up, and leaves nothing alive', async () => {
    const marker = `isolated-${process.pid}`;
    const repository = await builds.createRepository();
    const job = await repository.push({
      'slipway.yml': pipeline(
        `trap 'echo cleaned up; exit 3' INT; (setsid sh -c 'trap "" INT TERM HUP; sleep 301; : ${marker}' &); env -i setsid sh -c 'sleep 302; : ${marker}' & echo begun; while :; do sleep 0.05; done`,
      ),
    });
    await eventually(async () => (await builds.log({ id: job.id, attempt: 1 }).catch(() => '')).includes('\nbegun\n'), {
      what: 'the step',
    });
    expect((await withMarker(marker)).length).toBeGreaterThan(2);
    await cancelJob(builds.db, job.id, Date.now());
    builds.pool.cancel(job.id);
    const ended = await builds.ended(job.id);
    expect(ended.status).toBe('cancelled');
    expect(await builds.log(ended)).toContain('cleaned up\n');
    expect(await withMarker(marker)).toEqual([]);
  });

  it('is refused at level none where a person chose bubblewrap, and allowed where a person chose that', async () => {
    const repository = await builds.createRepository();
    await chooseForRepository(builds.db, repository.id, 'bubblewrap', Date.now());
    const files = { 'slipway.yml': `isolation: none\n${pipeline('echo begun')}` };
    const refused = await builds.ended((await repository.push(files)).id);
    expect(errorOf(refused)).toMatchObject({ code: 'isolation.refused' });
    expect(await builds.log(refused)).not.toContain('\nbegun\n');
    await chooseForRepository(builds.db, repository.id, 'none', Date.now());
    const allowed = await builds.ended((await repository.push(files)).id);
    expect(allowed.status).toBe('succeeded');
  });
});
