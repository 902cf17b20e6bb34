/** Searching logs, capacity, trends and timelines as a script asks for them over HTTP, of a job that a worker ran. */
import { beforeAll, describe, expect, it } from 'vitest';
import { capacityViewSchema, trendsSchema } from '../../../src-main/contract/capacity.ts';
import { timelineSchema } from '../../../src-main/contract/timeline.ts';
import { logChunkSchema, logSearchSchema } from '../../../src-main/contract/views/log.ts';
import { startTestHost } from '../../support/engine.ts';
import { eventually } from '../../support/eventually.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { git } from '../../support/git-server.ts';
import { projectFolder } from '../../support/project-folder.ts';

const onEnd = endsWithFile();
let test: Awaited<ReturnType<typeof startTestHost>>;
let job: { id: string; repositoryId: string };

async function call(path: string): Promise<{ status: number; body: unknown }> {
  const url = new URL(test.host.url);
  const response = await fetch(new URL(`/api${path}`, url), {
    headers: { authorization: `Bearer ${url.hash.replace('#token=', '')}` },
  });
  return { status: response.status, body: await response.json() };
}

beforeAll(async () => {
  test = await startTestHost(onEnd, { workers: 1 });
  const before = capacityViewSchema.parse((await call('/capacity')).body);
  expect(before).toMatchObject({ assumed: { workers: 25 }, measured: null });
  const source = await projectFolder({
    'slipway.yml':
      'steps:\n  - { name: Say, run: "echo the Pier is open; mkdir dist; echo x > dist/x" }\nartifact: [dist]\n',
  });
  await git(source, 'init', '--quiet', '--initial-branch=main');
  await git(source, 'add', '--all');
  await git(source, 'commit', '--quiet', '-m', 'First');
  await test.engine.repositories.add({ url: source });
  job = await eventually(
    async () => {
      const [found] = Object((await call('/jobs')).body).jobs;
      return found?.status === 'succeeded' ? { id: String(found.id), repositoryId: String(found.repositoryId) } : null;
    },
    { what: 'a job that succeeded' },
  );
});

describe('the log', () => {
  it('is searched, and read from the line that was found', async () => {
    const found = logSearchSchema.parse((await call(`/jobs/${job.id}/log/search?text=the+pier+is`)).body);
    // The line of the step's command, and what it said.
    const said = found.matches.at(-1);
    expect(said?.text).toBe('the Pier is open');
    const chunk = logChunkSchema.parse(
      (await call(`/jobs/${job.id}/log?offset=${(said?.offset ?? 0) + 3}&start=line`)).body,
    );
    expect(chunk).toMatchObject({ offset: said?.offset, line: said?.line });
    expect(chunk.text).toMatch(/^the Pier is open\n/);
    const exact = logSearchSchema.parse((await call(`/jobs/${job.id}/log/search?text=THE+PIER&case=match`)).body);
    expect(exact).toMatchObject({ total: 0, matches: [] });
    expect(logSearchSchema.parse((await call(`/jobs/${job.id}/log/search?text=x&attempt=7`)).body).total).toBe(0);
  });

  it('refuses what cannot be searched for, naming the field', async () => {
    const wrong = [
      'text=',
      `text=${'x'.repeat(201)}`,
      'text=a%0Ab',
      'text=x&limit=0',
      'text=x&case=odd',
      'text=x&after=-1',
    ];
    for (const query of wrong) {
      const { status, body } = await call(`/jobs/${job.id}/log/search?${query}`);
      expect([400, 422], query).toContain(status);
      expect(Object(body).data?.code, query).toBe('input.invalid');
    }
    expect((await call('/jobs/0198f000-0000-7000-8000-000000000000/log/search?text=x')).status).toBe(404);
  });
});

describe('what was measured', () => {
  it('stands beside what is assumed', async () => {
    const view = capacityViewSchema.parse((await call('/capacity?deploysPerDay=2000&sizeBytes=1e9')).body);
    expect(view.assumed).toMatchObject({ secondsPerBuild: 100, load: { deploysPerDay: 2_000, bytesPerSecond: 10e6 } });
    expect(view.measured).toMatchObject({ builds: 1 });
    const { meanBuildMs = 0, estimate } = view.measured ?? {};
    expect((estimate?.secondsPerBuild ?? 0) * 1_000).toBeCloseTo(meanBuildMs, 3);
    for (const query of ['deploysPerDay=0', 'sizeBytes=-1', 'bytesPerSecond=x', 'deploysPerDay=1e99']) {
      expect((await call(`/capacity?${query}`)).status, query).toBe(400);
    }
  });

  it('is told by hour and by day', async () => {
    const hours = trendsSchema.parse((await call('/trends?days=1')).body);
    expect(hours).toMatchObject({ every: 'hour', jobs: 1, cut: false });
    expect(hours.points.filter(point => point.succeeded === 1)).toMatchObject([
      { medianBuildMs: expect.any(Number), medianWaitMs: expect.any(Number), bytesSent: null },
    ]);
    const days = trendsSchema.parse((await call(`/trends?days=30&repositoryId=${job.repositoryId}`)).body);
    expect(days.points).toHaveLength(31);
    expect(days.points.reduce((sum, point) => sum + point.succeeded, 0)).toBe(1);
    expect((await call('/trends?days=91')).status).toBe(400);
  });

  it('is told stage by stage', async () => {
    const timeline = timelineSchema.parse((await call(`/repositories/${job.repositoryId}/timeline`)).body);
    expect(timeline.revisions).toMatchObject([{ jobId: job.id, number: 1, regions: [], machines: [] }]);
    const times = timeline.revisions[0]?.stages.map(({ stage, durationMs }) => [stage, durationMs === null]);
    expect(times).toEqual([
      ['commit', false],
      ['queue', false],
      ['build', false],
      ['store', false],
      ['regions', true],
      ['machines', true],
    ]);
    expect((await call('/repositories/0198f000-0000-7000-8000-000000000000/timeline')).status).toBe(404);
  });
});
