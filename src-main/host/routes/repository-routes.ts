/** Owns the routes of repositories: their sources, channels, releases and values. */
import type { Engine } from '../../engine.ts';
import { decideMigration, decideRollout, promote, rollback } from '../channel-actions.ts';
import { removeGitAccess, setGitAccess } from '../git-access-actions.ts';
import { freezeChannel, setChannel } from '../release-actions.ts';
import { channelEnvironmentView } from '../views/channel-environment-view.ts';
import { environmentView } from '../views/environment-view.ts';
import { repositoryBadge } from '../views/interchange-views.ts';
import { preflight, releaseViews } from '../views/release-views.ts';
import { channelSummary, repositoryDetail, repositoryRows, rowOf } from '../views/repository-views.ts';
import { takeSnapshot } from '../views/snapshot.ts';
import { timelineView } from '../views/timeline-view.ts';
import { type ApiImplementer, done, summaryOf } from './implement-api.ts';

export function repositoryRoutes(os: ApiImplementer, engine: Engine) {
  return {
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
        summaryOf(engine, (await engine.repositories.buildNow(input.id, input)).id),
      ),
      badge: os.repositories.badge.handler(({ input }) => repositoryBadge(engine, input)),
      hook: os.repositories.hook.handler(async ({ input }) => {
        const { id } = await rowOf(engine, input.id);
        return engine.hooks.hookOf(id);
      }),
      timeline: os.repositories.timeline.handler(({ input }) => timelineView(engine, input)),
      setSource: os.repositories.setSource.handler(async ({ input: { id, ...change } }) => {
        await engine.repositories.setSource(id, change);
        return rowOf(engine, id);
      }),
      setBranch: os.repositories.setBranch.handler(async ({ input }) => {
        await engine.repositories.setBranch(input.id, input.branch);
        return rowOf(engine, input.id);
      }),
      setAlerts: os.repositories.setAlerts.handler(async ({ input: { id, ...change } }) => {
        await engine.alerts.setSwitches(id, change);
        return rowOf(engine, id);
      }),
      setPolling: os.repositories.setPolling.handler(async ({ input }) => {
        await engine.repositories.setPollInterval(input.id, input.intervalMs);
        return rowOf(engine, input.id);
      }),
      setQueue: os.repositories.setQueue.handler(async ({ input: { id, ...change } }) => {
        await engine.repositories.setQueue(id, change);
        return rowOf(engine, id);
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
  };
}
