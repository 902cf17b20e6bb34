/** Owns how each call of the contract reaches the engine. Knows no transport. */
import { implement, ORPCError, withEventMeta } from '@orpc/server';
import { api } from '../contract/api.ts';
import { DomainError } from '../contract/errors.ts';
import { findLogReclaimed } from '../database/attempts.ts';
import { listBuilds } from '../database/builds.ts';
import { listEvents } from '../database/events.ts';
import { countJobs, listJobs } from '../database/jobs.ts';
import { listRegions } from '../database/regions.ts';
import { readPolicy } from '../database/wanted-replicas.ts';
import { isFinished } from '../domain/job-states.ts';
import type { Engine } from '../engine.ts';
import { changeBuildDefaults, chooseForRepository } from '../queue/build-defaults.ts';
import { clearHomes } from '../queue/build-homes.ts';
import { cachesView, clearCaches, setCacheLimit } from '../queue/cache-space.ts';
import { cancelJob, retryJob } from '../queue/enqueue.ts';
import { removeStoreAccess, setStoreAccess } from './access-actions.ts';
import { verifyArtifact } from './artifact-check.ts';
import { completeTorrentOf } from './artifact-torrent.ts';
import { decideMigration, decideRollout, promote, rollback } from './channel-actions.ts';
import { diskUse, keepBuilds, pinBuild, reclaimDisk } from './disk-actions.ts';
import { removeGitAccess, setGitAccess } from './git-access-actions.ts';
import { machineEvidence } from './machine-evidence.ts';
import {
  addRegion,
  removeRegion,
  retryRegion,
  setRegionLimits,
  setRegionPaused,
  setReplicationPolicy,
  verifyRegion,
} from './region-actions.ts';
import { freezeChannel, pairMachine, setChannel } from './release-actions.ts';
import { changeSetting, listSettings } from './setting-actions.ts';
import { buildView } from './views/build-views.ts';
import { capacityView, trendsView } from './views/capacity-view.ts';
import { channelEnvironmentView } from './views/channel-environment-view.ts';
import { environmentView } from './views/environment-view.ts';
import { isolationView } from './views/isolation-view.ts';
import { jobDetail, jobSummary, mustFindJob } from './views/job-views.ts';
import { createLogLines } from './views/log-lines.ts';
import { searchLog } from './views/log-search.ts';
import { readLog } from './views/log-view.ts';
import { machineViews, swarmView } from './views/machine-views.ts';
import { poolView } from './views/pool-view.ts';
import { regionView, replicationView } from './views/region-views.ts';
import { preflight, releaseViews } from './views/release-views.ts';
import { channelSummary, overview, repositoryDetail, repositoryRows, rowOf } from './views/repository-views.ts';
import { readSbom, sbomView } from './views/sbom-view.ts';
import { takeSnapshot } from './views/snapshot.ts';
import { engineStatus } from './views/status-view.ts';
import { readTests } from './views/test-view.ts';
import { timelineView } from './views/timeline-view.ts';

const done = { done: true } as const;

/** HTTP statuses for scripts; the code in the body says more. */
function statusOf(error: DomainError): number {
  if (error.code === 'not_found') return 404;
  if (error.code === 'conflict') return 409;
  if (error.code === 'internal') return 500;
  if (error.code === 'api.unauthorized') return 401;
  return 422;
}

/** What a caller is told of an error: a DomainError as it is, anything else as an incident with an id that is in the log. */
function toWire(engine: Engine, error: unknown): ORPCError<string, unknown> {
  if (error instanceof DomainError) {
    return new ORPCError(error.code, { status: statusOf(error), message: error.message, data: error.toView() });
  }
  if (error instanceof ORPCError && error.code === 'BAD_REQUEST') {
    const view = invalidInput(error);
    return new ORPCError(view.code, { status: 400, message: view.message, data: view.toView() });
  }
  if (error instanceof ORPCError && error.status < 500) return error;
  const incident = crypto.randomUUID().slice(0, 8);
  engine.logger.error('api.failed', { incident, error, cause: error instanceof Error ? error.cause : null });
  const view = new DomainError(
    'internal',
    `Slipway met an error of its own (incident ${incident}). The log has the details.`,
    {
      incident,
    },
  );
  return new ORPCError(view.code, { status: 500, message: view.message, data: view.toView() });
}

/** Validation names the first field that does not fit, and why. */
function invalidInput(error: ORPCError<string, unknown>): DomainError {
  const issues = (error.data as { issues?: { path?: PropertyKey[]; message: string }[] } | undefined)?.issues ?? [];
  const [first] = issues;
  const field = first?.path?.map(String).join('.') ?? '';
  return new DomainError(
    'input.invalid',
    first ? `${field ? `${field}: ` : ''}${first.message}.` : 'The request does not have the expected form.',
    { fields: issues.map(issue => ({ field: issue.path?.map(String).join('.') ?? '', message: issue.message })) },
  );
}

export function createRouter(engine: Engine, options: { readonly onStop: () => void }) {
  const { db, feed } = engine;
  const logLines = createLogLines();
  const os = implement(api).use(async ({ next }) => {
    try {
      return await next();
    } catch (error) {
      throw toWire(engine, error);
    }
  });
  const summaryOf = async (id: string) => jobSummary(engine, await takeSnapshot(engine), await mustFindJob(engine, id));

  return os.router({
    engine: {
      status: os.engine.status.handler(() => engineStatus(engine)),
      overview: os.engine.overview.handler(() => overview(engine)),
      stop: os.engine.stop.handler(() => {
        // After the answer: whoever asked wants to hear it.
        setTimeout(options.onStop, 50);
        return done;
      }),
    },
    events: {
      list: os.events.list.handler(({ input }) => listEvents(db, input)),
      subscribe: os.events.subscribe.handler(async function* ({ input, signal, lastEventId }) {
        const resume = lastEventId === undefined ? (input.after ?? null) : Number(lastEventId);
        const ended = signal ?? new AbortController().signal;
        for await (const push of feed.subscribe(Number.isSafeInteger(resume) ? resume : null, ended)) {
          yield push.kind === 'event' ? withEventMeta(push, { id: String(push.event.cursor) }) : push;
        }
      }),
    },
    repositories: {
      list: os.repositories.list.handler(async () => repositoryRows(engine, await takeSnapshot(engine))),
      get: os.repositories.get.handler(({ input }) => repositoryDetail(engine, input.id)),
      inspect: os.repositories.inspect.handler(({ input }) => engine.repositories.inspect(input)),
      add: os.repositories.add.handler(async ({ input }) => rowOf(engine, (await engine.repositories.add(input)).id)),
      addSample: os.repositories.addSample.handler(async () =>
        rowOf(engine, (await engine.repositories.addSample()).id),
      ),
      remove: os.repositories.remove.handler(async ({ input }) => {
        await engine.repositories.remove(input.id);
        return done;
      }),
      pollNow: os.repositories.pollNow.handler(async ({ input }) => {
        await engine.poller.pollNow(input.id);
        return done;
      }),
      buildNow: os.repositories.buildNow.handler(async ({ input }) =>
        summaryOf((await engine.repositories.buildNow(input.id, input)).id),
      ),
      timeline: os.repositories.timeline.handler(({ input }) => timelineView(engine, input)),
      setPolling: os.repositories.setPolling.handler(async ({ input }) => {
        await engine.repositories.setPollInterval(input.id, input.intervalMs);
        return rowOf(engine, input.id);
      }),
      setQueue: os.repositories.setQueue.handler(async ({ input: { id, ...change } }) => {
        await engine.repositories.setQueue(id, change);
        return rowOf(engine, id);
      }),
    },
    jobs: {
      list: os.jobs.list.handler(async ({ input }) => {
        const snapshot = await takeSnapshot(engine);
        const jobs = await listJobs(db, input);
        return {
          jobs: await Promise.all(jobs.map(job => jobSummary(engine, snapshot, job))),
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
      cancel: os.jobs.cancel.handler(async ({ input }) => {
        await cancelJob(db, input.id, engine.clock());
        engine.pool.cancel(input.id);
        feed.nudge();
        return summaryOf(input.id);
      }),
      retry: os.jobs.retry.handler(async ({ input }) => {
        await retryJob(db, input.id, engine.clock());
        feed.nudge();
        engine.pool.wake();
        return summaryOf(input.id);
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
    regions: {
      list: os.regions.list.handler(async () =>
        Promise.all((await listRegions(db)).map(region => regionView(engine, region))),
      ),
      add: os.regions.add.handler(async ({ input }) => regionView(engine, await addRegion(engine, input))),
      remove: os.regions.remove.handler(async ({ input }) => {
        await removeRegion(engine, input.id);
        return done;
      }),
      setPaused: os.regions.setPaused.handler(async ({ input }) =>
        regionView(engine, await setRegionPaused(engine, input.id, input.paused)),
      ),
      replication: os.regions.replication.handler(({ input }) => replicationView(engine, input)),
      retry: os.regions.retry.handler(async ({ input }) => {
        await retryRegion(engine, input.id);
        return done;
      }),
      setLimits: os.regions.setLimits.handler(async ({ input: { id, ...change } }) =>
        regionView(engine, await setRegionLimits(engine, id, change)),
      ),
      verify: os.regions.verify.handler(({ input }) => verifyRegion(engine, input.id, input.deep)),
    },
    replicationPolicy: {
      get: os.replicationPolicy.get.handler(({ input }) => readPolicy(db, input.repositoryId)),
      set: os.replicationPolicy.set.handler(({ input }) => setReplicationPolicy(engine, input)),
    },
    storeAccess: {
      list: os.storeAccess.list.handler(async () => [...(await engine.accesses.list())]),
      set: os.storeAccess.set.handler(({ input }) => setStoreAccess(engine, input)),
      remove: os.storeAccess.remove.handler(async ({ input }) => {
        await removeStoreAccess(engine, input.storeUrl);
        return done;
      }),
    },
    gitAccess: {
      list: os.gitAccess.list.handler(async () => [...(await engine.gitAccesses.list())]),
      set: os.gitAccess.set.handler(({ input }) => setGitAccess(engine, input)),
      remove: os.gitAccess.remove.handler(async ({ input }) => {
        await removeGitAccess(engine, input.host);
        return done;
      }),
    },
    swarm: {
      get: os.swarm.get.handler(() => swarmView(engine)),
      setPaused: os.swarm.setPaused.handler(async ({ input }) => {
        const untilMs = input.minutes === undefined ? null : engine.clock() + input.minutes * 60_000;
        await engine.seeding.setPaused(input.paused, untilMs);
        return swarmView(engine);
      }),
    },
    channels: {
      list: os.channels.list.handler(async ({ input }) => {
        const snapshot = await takeSnapshot(engine);
        const states = snapshot.channels.filter(({ channel }) => channel.repositoryId === input.repositoryId);
        return Promise.all(states.map(state => channelSummary(engine, snapshot, state)));
      }),
      set: os.channels.set.handler(({ input }) => setChannel(engine, input)),
      freeze: os.channels.freeze.handler(({ input }) => freezeChannel(engine, input)),
    },
    releases: {
      list: os.releases.list.handler(async ({ input }) => {
        const snapshot = await takeSnapshot(engine);
        const channels = snapshot.channels
          .map(({ channel }) => channel)
          .filter(channel => channel.repositoryId === input.repositoryId)
          .filter(channel => input.channel === undefined || channel.name === input.channel);
        const lists = await Promise.all(channels.map(channel => releaseViews(engine, snapshot, channel)));
        return lists.flat().sort((a, b) => b.createdAtMs - a.createdAtMs);
      }),
      preflight: os.releases.preflight.handler(({ input }) => preflight(engine, input)),
      promote: os.releases.promote.handler(({ input }) => promote(engine, input)),
      rollback: os.releases.rollback.handler(({ input }) => rollback(engine, input)),
      rollout: os.releases.rollout.handler(({ input }) => decideRollout(engine, input)),
      migrate: os.releases.migrate.handler(({ input }) => decideMigration(engine, input)),
    },
    environment: {
      get: os.environment.get.handler(({ input }) => environmentView(engine, input.repositoryId)),
      setVariable: os.environment.setVariable.handler(async ({ input }) => {
        await engine.environment.setVariable(input);
        return done;
      }),
      removeVariable: os.environment.removeVariable.handler(async ({ input }) => {
        await engine.environment.removeVariable(input);
        return done;
      }),
      setSecret: os.environment.setSecret.handler(async ({ input }) => {
        await engine.environment.setSecret(input);
        return done;
      }),
      removeSecret: os.environment.removeSecret.handler(async ({ input }) => {
        await engine.environment.removeSecret(input);
        return done;
      }),
    },
    channelEnvironment: {
      get: os.channelEnvironment.get.handler(({ input }) => channelEnvironmentView(engine, input)),
      setVariable: os.channelEnvironment.setVariable.handler(async ({ input }) => {
        await engine.channelValues.set('variable', input);
        return done;
      }),
      removeVariable: os.channelEnvironment.removeVariable.handler(async ({ input }) => {
        await engine.channelValues.remove('variable', input);
        return done;
      }),
      setSecret: os.channelEnvironment.setSecret.handler(async ({ input }) => {
        await engine.channelValues.set('secret', input);
        return done;
      }),
      removeSecret: os.channelEnvironment.removeSecret.handler(async ({ input }) => {
        await engine.channelValues.remove('secret', input);
        return done;
      }),
    },
    key: {
      get: os.key.get.handler(() => engine.keyProtection.state()),
      set: os.key.set.handler(({ input }) => engine.keyProtection.set(input.wrapped)),
    },
    disk: {
      use: os.disk.use.handler(() => diskUse(engine)),
      plan: os.disk.plan.handler(() => engine.retention.plan()),
      reclaim: os.disk.reclaim.handler(({ input }) => reclaimDisk(engine, input.packs)),
      keep: os.disk.keep.handler(async ({ input }) => {
        await keepBuilds(engine, input);
        return done;
      }),
    },
    drill: { run: os.drill.run.handler(() => engine.drill.run()) },
    caches: {
      list: os.caches.list.handler(({ input }) => cachesView(db, input.repositoryId)),
      clear: os.caches.clear.handler(async ({ input }) => {
        await clearHomes(db, engine.folder, input.repositoryId);
        return clearCaches(db, engine.folder, input.repositoryId);
      }),
      setLimit: os.caches.setLimit.handler(async ({ input }) => {
        await setCacheLimit(db, engine.folder, input.limitBytes);
        return cachesView(db);
      }),
    },
    machines: {
      list: os.machines.list.handler(({ input }) => machineViews(engine, input.repositoryId)),
      pair: os.machines.pair.handler(({ input }) => pairMachine(engine, input)),
      evidence: os.machines.evidence.handler(({ input }) => machineEvidence(engine, input)),
      repair: os.machines.repair.handler(async ({ input }) => {
        await engine.machines.repair(input.id);
        return done;
      }),
      remove: os.machines.remove.handler(async ({ input }) => {
        await engine.machines.revoke(input.id);
        return done;
      }),
    },
    workers: {
      get: os.workers.get.handler(() => poolView(engine)),
      setMode: os.workers.setMode.handler(async ({ input }) => {
        await engine.pool.setMode(input.mode);
        return poolView(engine);
      }),
    },
    metrics: {
      get: os.metrics.get.handler(() => ({ enabled: engine.metrics.enabled })),
      enable: os.metrics.enable.handler(async () => ({ token: await engine.metrics.enable() })),
      disable: os.metrics.disable.handler(async () => {
        await engine.metrics.disable();
        return done;
      }),
    },
    webhooks: {
      list: os.webhooks.list.handler(() => engine.webhooks.list()),
      add: os.webhooks.add.handler(({ input }) => engine.webhooks.add(input)),
      remove: os.webhooks.remove.handler(async ({ input }) => {
        await engine.webhooks.remove(input.id);
        return done;
      }),
      deliveries: os.webhooks.deliveries.handler(({ input }) => engine.webhooks.deliveries(input.id, input.limit)),
      redeliver: os.webhooks.redeliver.handler(({ input }) => engine.webhooks.redeliver(input.id)),
    },
    isolation: {
      get: os.isolation.get.handler(() => isolationView(engine)),
      set: os.isolation.set.handler(async ({ input }) => {
        await changeBuildDefaults(engine.db, input);
        return done;
      }),
      setOfRepository: os.isolation.setOfRepository.handler(async ({ input }) => {
        await chooseForRepository(engine.db, input.repositoryId, input.level, engine.clock());
        engine.feed.nudge();
        return done;
      }),
    },
    capacity: {
      get: os.capacity.get.handler(({ input }) => capacityView(engine, input)),
      trends: os.capacity.trends.handler(({ input }) => trendsView(engine, input)),
    },
    settings: {
      list: os.settings.list.handler(() => listSettings(engine)),
      set: os.settings.set.handler(({ input }) => changeSetting(engine, input)),
    },
    artifacts: {
      verify: os.artifacts.verify.handler(({ input }) => verifyArtifact(engine, input.artifactId)),
      torrent: os.artifacts.torrent.handler(({ input }) => completeTorrentOf(engine, input.artifactId, input.region)),
    },
  });
}

export type EngineRouter = ReturnType<typeof createRouter>;
