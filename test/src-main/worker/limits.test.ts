/** Limits of builds and levels that are not there, on a real worker; docker and podman are stand-ins, since no test may count on an engine. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { listAttempts } from '../../../src-main/database/attempts.ts';
import type { JobRecord } from '../../../src-main/database/jobs.ts';
import { changeBuildDefaults } from '../../../src-main/queue/build-defaults.ts';
import { pipeline, startBuilds } from '../../support/builds.ts';
import { eventually } from '../../support/eventually.ts';
import { endsWithFile } from '../../support/for-this-file.ts';

const onEnd = endsWithFile();
const errorOf = (job: JobRecord) => JSON.parse(job.error ?? 'null');
let builds: Awaited<ReturnType<typeof startBuilds>>;

beforeAll(async () => {
  builds = await startBuilds({ onEnd });
  await mkdir(`${builds.root}/bin`, { recursive: true });
});

async function run(yaml: string): Promise<{ job: JobRecord; log: string }> {
  const repository = await builds.createRepository();
  const job = await builds.ended((await repository.push({ 'slipway.yml': yaml })).id);
  return { job, log: stripVTControlCharacters(await builds.log(job)) };
}

describe.skipIf(process.platform !== 'linux')('a build of limited means', () => {
  it('is ended when its processes take more memory than it may have, and that is said', async () => {
    const hog = `const kept = []; setInterval(() => kept.push(Buffer.alloc(16 << 20, 1)), 20);`;
    const { job, log } = await run(`limits: { memory: 256MiB }\n${pipeline(`node -e '${hog}'`, 'echo never')}`);
    expect(errorOf(job)).toMatchObject({ code: 'step.memory', details: { limitBytes: 256 * 2 ** 20 } });
    expect(errorOf(job).message).toMatch(/of memory, and its limit is 256 MiB\. Give it/);
    expect(log).toContain('limits: memory 256 MiB');
    expect(log).not.toContain('\nnever\n');
  });

  it('is ended when it has too many processes at once', async () => {
    const { job } = await run(
      `limits: { processes: 20 }\n${pipeline('i=0; while [ $i -lt 40 ]; do sleep 300 & i=$((i+1)); done; wait')}`,
    );
    expect(errorOf(job)).toMatchObject({ code: 'step.processes', details: { limit: 20 } });
  });

  it('is ended when it writes more than it may, also in one short step', async () => {
    const { job } = await run(`limits: { disk: 10MiB }\n${pipeline('head -c 20000000 /dev/zero > big')}`);
    expect(errorOf(job)).toMatchObject({ code: 'step.disk', details: { limitBytes: 10 * 2 ** 20 } });
    const fine = await run(`limits: { disk: 40MiB }\n${pipeline('head -c 20000000 /dev/zero > big')}`);
    expect(fine.job.status).toBe('succeeded');
  });

  it('does not begin on a disk that is nearly full, and says so', async () => {
    await changeBuildDefaults(builds.db, { keepFreeBytes: 2 ** 52 });
    const { job, log } = await run(pipeline('echo begun'));
    await changeBuildDefaults(builds.db, { keepFreeBytes: 0 });
    expect(errorOf(job)).toMatchObject({ code: 'step.disk', message: expect.stringContaining('4096 TiB free') });
    expect(log).not.toContain('\nbegun\n');
  });

  it('runs at a lower priority, on as many processors as it may use', async () => {
    // The priority is set right after the start, which the step's first program may be ahead of.
    const step = 'while [ $(nice) != 10 ]; do sleep 0.05; done; nice; nproc';
    const { job, log } = await run(`limits: { cpu: 1 }\n${pipeline(step)}`);
    expect(job.status, log).toBe('succeeded');
    expect(log).toContain('\n10\n1\n');
  });

  it('says what a signal means', async () => {
    const { job } = await run(pipeline("sh -c 'kill -KILL $$'"));
    expect(errorOf(job).message).toContain(
      'exit code 137 (killed from outside: mostly the system, when memory ran out)',
    );
  });
});

describe.skipIf(process.platform === 'win32')('a container engine', () => {
  const standIn = (name: string, body: string) =>
    writeFile(join(builds.root, 'bin', name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });

  it('that does not answer is one clear error, and no other level in its place', async () => {
    await standIn('podman', 'echo "cannot connect?" >&2; exit 125');
    const { job, log } = await run(`isolation: { level: podman, image: node:24 }\n${pipeline('echo begun')}`);
    expect(errorOf(job)).toMatchObject({ code: 'isolation.missing', details: { level: 'podman' } });
    expect(errorOf(job).message).toContain('its engine does not answer: cannot connect. To have it, install it');
    expect(log).not.toContain('\nbegun\n');
  });

  it('gets the step, its variables by a file that is gone afterwards, and ends its container', async () => {
    const calls = join(builds.root, 'calls');
    await standIn(
      'docker',
      `[ "$1" = info ] && { echo "29.0.0 []"; exit 0; }
printf '%s\\n' "$*" "seen: $WORD" >> ${calls}
[ "$1" = run ] || exit 0
for word; do case "$word" in *target=/slipway-environment*) file=\${word#*source=}; file=\${file%%,*};; esac; done
ls -l "$file" | cut -c1-10 >> ${calls}
. "$file"
exec /bin/sh -e -c "$word"`,
    );
    const { job, log } = await run(
      `isolation: { level: docker, image: "node:24" }\nenv: { WORD: "ahoy harbour" }\n${pipeline('echo "said $WORD in $HOME"')}`,
    );
    expect(job.status, log).toBe('succeeded');
    expect(log).toContain('isolation: docker, node:24\n');
    expect(log).toContain('those of the image node:24\n');
    expect(log).toContain('said ahoy harbour in /slipway-home\n');
    const lines = await readFile(calls, 'utf8');
    expect(lines).toMatch(/^run --rm --init --name slipway-\S+ --label slipway\.job=\S+ /);
    expect(lines).toContain('\nseen: \n-rw-------\nrm --force --volumes slipway-');
    expect(lines).not.toContain('ahoy');
    const [attempt] = await listAttempts(builds.db, job.id);
    expect(JSON.parse(attempt?.isolation ?? 'null')).toMatchObject({ level: 'docker', image: 'node:24' });
    // The job has ended before its folder is gone.
    const workFolders = async (): Promise<string[]> => readdir(builds.folder.work).catch(() => []);
    await eventually(async () => !(await workFolders()).includes(`${job.id}-1`), { what: 'its folder to be gone' });
  });
});
