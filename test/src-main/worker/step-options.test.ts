/** What slipway.yml says of a single step, on a real worker: run again, run only when, its tests, its first error. */
import { beforeAll, expect, it } from 'vitest';
import { listSteps } from '../../../src-main/database/attempts.ts';
import type { JobRecord } from '../../../src-main/database/jobs.ts';
import { readTests } from '../../../src-main/host/views/test-view.ts';
import { pipeline, startBuilds } from '../../support/builds.ts';
import { endsWithFile } from '../../support/for-this-file.ts';

const onEnd = endsWithFile();
let builds: Awaited<ReturnType<typeof startBuilds>>;

beforeAll(async () => {
  builds = await startBuilds({ onEnd });
});

const errorOf = (job: JobRecord) => JSON.parse(job.error ?? 'null');
const planned = async (job: JobRecord) =>
  (await listSteps(builds.db, job.id, job.attempt)).filter(step => step.command !== null);

async function run(files: Readonly<Record<string, string>>): Promise<JobRecord> {
  const repository = await builds.createRepository();
  return builds.ended((await repository.push(files)).id);
}

const counting = 'echo x >> count; test $(wc -l < count) -ge 3 || exit 7';

it('runs a step again for the exit status that is worth it', async () => {
  const job = await run({
    'slipway.yml': `steps:\n  - { run: "${counting}", retry: { times: 2, exit: [7], delay: 1ms } }\n`,
  });
  expect(job.status).toBe('succeeded');
  expect((await planned(job))[0]).toMatchObject({ exitCode: 0, detail: 'run 3 times' });
  expect((await builds.log(job)).match(/Exit code 7: run again, \d of 2/g)).toHaveLength(2);
});

it('does not for another status, and not for ever', async () => {
  const other = await run({ 'slipway.yml': `steps:\n  - { run: "${counting}", retry: { times: 9, exit: [8] } }\n` });
  expect(errorOf(other)).toMatchObject({ code: 'step.failed', details: { exitCode: 7 } });
  expect(await builds.log(other)).not.toContain('run again');
  const once = await run({ 'slipway.yml': `steps:\n  - { run: "${counting}", retry: 1 }\n` });
  expect(errorOf(once)).toMatchObject({ details: { exitCode: 7, stepDetail: 'run 2 times' } });
  expect((await planned(once))[0]).toMatchObject({ status: 'failed', detail: 'run 2 times' });
});

it('leaves a step out by branch, and by what changed since the last build', async () => {
  const repository = await builds.createRepository();
  const yaml = `steps:
  - { run: "true", when: { branches: [ma*] } }
  - { run: "false", when: { branches: [other] } }
  - { run: "true", when: { paths: [docs, "**/*.md"] } }
`;
  const statuses = async (files: Readonly<Record<string, string>>) => {
    const job = await builds.ended((await repository.push(files)).id);
    return (await planned(job)).map(step => step.status);
  };
  expect(await statuses({ 'slipway.yml': yaml })).toEqual(['succeeded', 'skipped', 'succeeded']);
  expect(await statuses({ 'src/a.c': '' })).toEqual(['succeeded', 'skipped', 'skipped']);
  expect(await statuses({ 'docs/a/b.html': '' })).toEqual(['succeeded', 'skipped', 'succeeded']);
  expect(await statuses({ 'src/c/README.md': '' })).toEqual(['succeeded', 'skipped', 'succeeded']);
});

it('names the beginning of a long command alone in its message', async () => {
  const job = await run({ 'slipway.yml': 'steps:\n  - name: Long\n    run: |\n      false\n      echo more\n' });
  expect(errorOf(job).message).toBe('"Long" (false …) ended with exit code 1, and said nothing.');
  const unnamed = await run({ 'slipway.yml': pipeline('exit 3') });
  expect(errorOf(unnamed).message).toBe('"exit 3" ended with exit code 3, and said nothing.');
});

it('counts the tests of a step, the failed ones by name, and names the first error', async () => {
  const report = "<testsuite><testcase name='good'/><testcase name='bad'><failure/></testcase></testsuite>";
  const job = await run({
    'slipway.yml': pipeline(
      `mkdir r && echo "${report}" > r/junit.xml`,
      `echo "${report}" > r/again.xml; echo fine; echo 'error: no luck'; echo later; exit 1`,
    ),
    'committed.xml': '<testsuite><testcase name="old"/></testsuite>',
  });
  const steps = await planned(job);
  expect(steps.map(({ status, detail }) => [status, detail])).toEqual([
    ['succeeded', '2 tests, 1 failed, in 1 JUnit file'],
    ['failed', '2 tests, 1 failed, in 1 JUnit file'],
  ]);
  const { message, details } = errorOf(job);
  expect(message).toMatch(/ended with exit code 1: error: no luck$/);
  const log = Buffer.from(await builds.log(job));
  expect(log.subarray(details.firstError.logOffset).toString().split('\n')[0]).toBe('error: no luck');
  expect(log.toString()).toContain('failed: bad');
  const { testList: list, testSummary: summary } = builds.folder;
  const files = { list: list(job.id, job.attempt), summary: summary(job.id, job.attempt) };
  const found = await readTests(files, { outcome: 'failed', after: 0, limit: 10 });
  expect(found.summary).toMatchObject({ total: 4, failed: 2, files: 2, kept: 4 });
  expect(found.tests.map(({ step, name }) => [step, name])).toEqual(steps.map(step => [step.name, 'bad']));
});
