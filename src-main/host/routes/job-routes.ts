/** Owns the routes of jobs, of what they made, and of the workers that run them. */
import { findLogReclaimed } from '../../database/attempts.ts';
import { listBuilds } from '../../database/builds.ts';
import { countJobs, listJobs } from '../../database/jobs.ts';
import { isFinished } from '../../domain/job-states.ts';
import type { Engine } from '../../engine.ts';
import { cancelJob, retryJob } from '../../queue/enqueue.ts';
import { verifyArtifact } from '../artifact-check.ts';
import { completeTorrentOf } from '../artifact-torrent.ts';
import { pinBuild } from '../disk-actions.ts';
import { buildView } from '../views/build-views.ts';
import { capacityView, trendsView } from '../views/capacity-view.ts';
import { jobJunit } from '../views/interchange-views.ts';
import { jobDetail, jobSummaries, mustFindJob } from '../views/job-views.ts';
import { createLogLines } from '../views/log-lines.ts';
import { searchLog } from '../views/log-search.ts';
import { readLog } from '../views/log-view.ts';
import { poolView } from '../views/pool-view.ts';
import { readSbom, sbomView } from '../views/sbom-view.ts';
import { takeSnapshot } from '../views/snapshot.ts';
import { readTests } from '../views/test-view.ts';
import { type ApiImplementer, summaryOf } from './implement-api.ts';

export function jobRoutes(os: ApiImplementer, engine: Engine) {
  const { db, feed } = engine;
  const logLines = createLogLines();
  return {
    jobs: {
      list: os.jobs.list.handler(async ({ input }) => {
        const snapshot = await takeSnapshot(engine);
        const jobs = await listJobs(db, input);
        return {
          jobs: await jobSummaries(engine, snapshot, jobs),
          total: await countJobs(db, input),
        };
      }),
      get: os.jobs.get.handler(({ input }) => jobDetail(engine, input.id)),
      log: os.jobs.log.handler(async ({ input }) => {
        const job = await mustFindJob(engine, input.id);
        const attempt = input.attempt ?? job.attempt;
        const finished = isFinished(job.status) || attempt < job.attempt;
        const reclaimedAtMs = await findLogReclaimed(db, job.id, attempt);
        return readLog(engine.folder.jobLog(job.id, attempt), input, logLines, { finished, reclaimedAtMs });
      }),
      searchLog: os.jobs.searchLog.handler(async ({ input, signal }) => {
        const job = await mustFindJob(engine, input.id);
        const attempt = input.attempt ?? job.attempt;
        const found = await searchLog(engine.folder.jobLog(job.id, attempt), input, signal);
        return { ...found, reclaimedAtMs: await findLogReclaimed(db, job.id, attempt) };
      }),
      tests: os.jobs.tests.handler(async ({ input }) => {
        const job = await mustFindJob(engine, input.id);
        const attempt = input.attempt ?? job.attempt;
        const { testList, testSummary } = engine.folder;
        const files = { list: testList(job.id, attempt), summary: testSummary(job.id, attempt) };
        return { ...(await readTests(files, input)), reclaimedAtMs: await findLogReclaimed(db, job.id, attempt) };
      }),
      junit: os.jobs.junit.handler(({ input }) => jobJunit(engine, input)),
      cancel: os.jobs.cancel.handler(async ({ input }) => {
        await cancelJob(db, input.id, engine.clock());
        engine.pool.cancel(input.id);
        feed.nudge();
        return summaryOf(engine, input.id);
      }),
      retry: os.jobs.retry.handler(async ({ input }) => {
        await retryJob(db, input.id, engine.clock());
        feed.nudge();
        engine.pool.wake();
        return summaryOf(engine, input.id);
      }),
    },
    builds: {
      list: os.builds.list.handler(async ({ input }) => {
        const snapshot = await takeSnapshot(engine);
        return Promise.all((await listBuilds(db, input)).map(build => buildView(engine, snapshot, build)));
      }),
      components: os.builds.components.handler(({ input }) => sbomView(engine, input.id)),
      sbom: os.builds.sbom.handler(async ({ input }) => {
        const { buildId, bytes } = await readSbom(engine, input.id);
        return { buildId, document: Buffer.from(bytes).toString('utf8') };
      }),
      pin: os.builds.pin.handler(({ input }) => pinBuild(engine, input)),
    },
    artifacts: {
      verify: os.artifacts.verify.handler(({ input }) => verifyArtifact(engine, input.artifactId)),
      torrent: os.artifacts.torrent.handler(({ input }) => completeTorrentOf(engine, input.artifactId, input.region)),
    },
    capacity: {
      get: os.capacity.get.handler(({ input }) => capacityView(engine, input)),
      trends: os.capacity.trends.handler(({ input }) => trendsView(engine, input)),
    },
    workers: {
      get: os.workers.get.handler(() => poolView(engine)),
      setMode: os.workers.setMode.handler(async ({ input }) => {
        await engine.pool.setMode(input.mode);
        return poolView(engine);
      }),
    },
    drill: { run: os.drill.run.handler(() => engine.drill.run()) },
  };
}
