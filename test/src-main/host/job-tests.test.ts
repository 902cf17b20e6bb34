/** The tests of a job as a script reads them over HTTP: by page, by outcome, and refused where what is asked for does not fit. */
import { beforeAll, expect, it } from 'vitest';
import { testPageSchema } from '../../../src-main/contract/test-results.ts';
import { startTestHost } from '../../support/engine.ts';
import { eventually } from '../../support/eventually.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { git } from '../../support/git-server.ts';
import { projectFolder } from '../../support/project-folder.ts';

const onEnd = endsWithFile();
let test: Awaited<ReturnType<typeof startTestHost>>;

beforeAll(async () => {
  test = await startTestHost(onEnd, { workers: 1 });
});

async function call(path: string): Promise<{ status: number; body: unknown }> {
  const url = new URL(test.host.url);
  const response = await fetch(new URL(`/api${path}`, url), {
    headers: { authorization: `Bearer ${url.hash.replace('#token=', '')}` },
  });
  return { status: response.status, body: await response.json() };
}

const page = async (path: string) => testPageSchema.parse((await call(path)).body);

it('gives the tests of a job that a worker ran', async () => {
  const report = `<testsuite>${'<testcase name="good" time="0.5"/>'.repeat(3)}<testcase name="bad" time="2"><failure message="no">at x</failure></testcase></testsuite>`;
  const source = await projectFolder({
    'slipway.yml': `steps:\n  - { name: Test, run: "cp report.txt junit.xml" }\n`,
    'report.txt': report,
  });
  await git(source, 'init', '--quiet', '--initial-branch=main');
  await git(source, 'add', '--all');
  await git(source, 'commit', '--quiet', '-m', 'First');
  await test.engine.repositories.add({ url: source });
  const jobs = () => call('/jobs');
  const { id } = await eventually(
    async () => {
      const { body } = await jobs();
      const [job] = Object(body).jobs;
      return job?.status === 'succeeded' ? { id: String(job.id) } : null;
    },
    { what: 'a job that succeeded' },
  );
  const first = await page(`/jobs/${id}/tests?limit=2`);
  expect(first.summary).toMatchObject({ total: 4, failed: 1, skipped: 0, files: 1, durationMs: 3_500 });
  expect(first.tests.map(({ name }) => name)).toEqual(['good', 'good']);
  const rest = await page(`/jobs/${id}/tests?after=${first.next}`);
  expect(rest.tests.map(({ name }) => name)).toEqual(['good', 'bad']);
  expect(rest.next).toBeNull();
  expect((await page(`/jobs/${id}/tests?outcome=failed`)).tests).toEqual([
    { step: 'Test', className: '', name: 'bad', outcome: 'failed', durationMs: 2_000, message: 'no', output: 'at x' },
  ]);
  expect(await page(`/jobs/${id}/tests?attempt=7`)).toEqual({
    summary: null,
    tests: [],
    next: null,
    reclaimedAtMs: null,
  });
  for (const query of ['after=1', 'limit=0', 'limit=201', 'outcome=odd', 'attempt=-1']) {
    const { status, body } = await call(`/jobs/${id}/tests?${query}`);
    expect([400, 422], query).toContain(status);
    expect(Object(body).code ?? Object(body).data?.code, query).toBe('input.invalid');
  }
  expect((await call('/jobs/0198f000-0000-7000-8000-000000000000/tests')).status).toBe(404);
});
