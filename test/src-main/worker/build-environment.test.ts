import { createHash } from 'node:crypto';
import { readdirSync, readlinkSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { listSteps } from '../../../src-main/database/attempts.ts';
import { createBuildEnvironment } from '../../../src-main/queue/build-environment.ts';
import { openMasterKey } from '../../../src-main/secrets/master-key.ts';
import { pipeline, startBuilds } from '../../support/builds.ts';
import { endsWithFile } from '../../support/for-this-file.ts';

const onEnd = endsWithFile();
const secret = 'hunter2 & "friends"';
const digest = createHash('sha256').update(secret).digest('hex');
function openHandles(pid: number): Set<string> {
  const folder = `/proc/${pid}/fd`;
  return new Set(
    readdirSync(folder).flatMap(fd => {
      try {
        return [readlinkSync(`${folder}/${fd}`)];
      } catch {
        // Closed in between.
        return [];
      }
    }),
  );
}

let builds: Awaited<ReturnType<typeof startBuilds>>;
let environment: ReturnType<typeof createBuildEnvironment>;

beforeAll(async () => {
  builds = await startBuilds({ onEnd });
  environment = createBuildEnvironment({
    db: builds.db,
    masterKey: await openMasterKey({ folder: builds.folder.keys }),
    clock: Date.now,
    onChanged: () => undefined,
  });
});

describe('a build', () => {
  it('gets the secrets that it names, masked in its log, and none that it does not name', async () => {
    const repository = await builds.createRepository();
    await environment.setSecret({ repositoryId: repository.id, name: 'TOKEN', value: secret });
    await environment.setSecret({ repositoryId: repository.id, name: 'UNASKED', value: 'never-to-be-seen' });
    const job = await builds.ended(
      (
        await repository.push({
          'slipway.yml': `${pipeline(
            `test "$(printf %s "$TOKEN" | sha256sum | cut -c1-64)" = ${digest} && test -z "$UNASKED"`,
            'env; echo "plain: $TOKEN"; printf %s "user:$TOKEN" | base64; printf %s "$TOKEN" | od -An -tx1 | tr -d " \\n"; echo',
            'printf "split: hunter2"; sleep 0.1; printf "\\033[31m & \\"friends\\"\\033[0m\\n"',
          )}secrets: [TOKEN]\n`,
        })
      ).id,
    );
    const log = await builds.log(job);
    expect(job.status, log).toBe('succeeded');
    expect(log).toContain('TOKEN=***\n');
    expect(log).toContain('plain: ***\n');
    expect(log).toContain('split: ***');
    expect(log).toContain('secrets, masked in this log: TOKEN');
    // The commands themselves say the pieces of the third.
    const output = log.split('\n').filter(line => !line.includes('printf'));
    for (const leak of [
      'hunter2',
      'friends',
      'aHVudGVy',
      'h1bnRlcj',
      'odW50ZXIy',
      '68756e746572',
      'never-to-be-seen',
    ]) {
      expect(output.join('\n')).not.toContain(leak);
    }
    expect(JSON.stringify(job)).not.toContain('never-to-be-seen');
  });

  it('that names a secret nobody has set fails before anything runs, and says how to set it', async () => {
    const repository = await builds.createRepository();
    const files = { 'slipway.yml': `${pipeline('echo begun')}secrets: [TOKEN, KEY]\n` };
    const job = await builds.ended((await repository.push(files)).id);
    expect(job.status).toBe('failed');
    const error = JSON.parse(job.error ?? 'null');
    expect(error).toMatchObject({ code: 'secret.missing', retry: 'user', details: { missing: ['TOKEN', 'KEY'] } });
    expect(error.message).toContain(`slipway secret set TOKEN --repository ${repository.id}`);
    expect(await builds.log(job)).not.toContain('begun\n');
    const steps = await listSteps(builds.db, job.id, job.attempt);
    expect(steps.slice(2).every(step => step.status === 'skipped')).toBe(true);
    // What it asks for is in the plan, where the interface finds it.
    expect(JSON.parse(job.plan ?? 'null').secrets).toEqual(['TOKEN', 'KEY']);
  });

  it('gets the variables of its repository, under those of slipway.yml, under those of the step', async () => {
    const repository = await builds.createRepository();
    for (const name of ['ONE', 'TWO', 'THREE']) {
      await environment.setVariable({ repositoryId: repository.id, name, value: 'repository' });
    }
    const job = await builds.ended(
      (
        await repository.push({
          'slipway.yml':
            'env: { TWO: file, THREE: file }\nsteps:\n  - run: echo "is $ONE $TWO $THREE"\n    env: { THREE: step }\n',
        })
      ).id,
    );
    expect(await builds.log(job)).toContain('is repository file step\n');
  });

  it.skipIf(process.platform !== 'linux')('has no variable, handle or socket of Slipway', async () => {
    const repository = await builds.createRepository();
    const script = [
      "const fs = require('node:fs');",
      'const names = Object.keys(process.env).filter(name => /SLIPWAY|NODE_(?!EXTRA_CA)|ELECTRON|API|npm_|VITEST/i.test(name)).sort();',
      "console.log('NAMES ' + JSON.stringify(names));",
    ].join(' ');
    const job = await builds.ended(
      (
        await repository.push({
          'probe.js': script,
          'slipway.yml': pipeline('node probe.js', 'ls -l /proc/self/fd'),
        })
      ).id,
    );
    const log = await builds.log(job);
    expect(job.status, log).toBe('succeeded');
    // The two by which a build's processes are found again, and the mark of a build: ids, and nothing that opens anything.
    expect(log).toContain('NAMES ["SLIPWAY","SLIPWAY_STEP","SLIPWAY_WORKER"]\n');
    const handles = [...log.matchAll(/ (\d+) -> (.*)$/gm)].map(([, fd = '', target = '']) => ({ fd, target }));
    // Whoever started the tests may have left handles open that every process below them has.
    const inherited = openHandles(process.ppid);
    const own = handles.filter(({ fd, target }) => Number(fd) <= 2 || !inherited.has(target));
    expect(own).toEqual([
      { fd: '0', target: '/dev/null' },
      { fd: '1', target: expect.stringMatching(/slipway-step-.*\/output \(deleted\)$/) },
      { fd: '2', target: expect.stringMatching(/slipway-step-.*\/output \(deleted\)$/) },
      { fd: '3', target: expect.stringMatching(/^\/proc\/\d+\/fd$/) },
    ]);
    expect(log).not.toMatch(/socket:|slipway\.db|anon_inode/);
  });
});
