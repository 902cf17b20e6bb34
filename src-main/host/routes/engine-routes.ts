/** Owns the routes of the engine itself: its state, events, settings, and whom it tells. */
import { withEventMeta } from '@orpc/server';
import { listEvents } from '../../database/events.ts';
import type { Engine } from '../../engine.ts';
import { changeBuildDefaults, chooseForRepository } from '../../queue/build-defaults.ts';
import { changeSetting, listSettings } from '../setting-actions.ts';
import { isolationView } from '../views/isolation-view.ts';
import { overview } from '../views/repository-views.ts';
import { engineStatus } from '../views/status-view.ts';
import { type ApiImplementer, done } from './implement-api.ts';

export function engineRoutes(os: ApiImplementer, engine: Engine, onStop: () => void) {
  const { db, feed } = engine;
  return {
    engine: {
      status: os.engine.status.handler(() => engineStatus(engine)),
      overview: os.engine.overview.handler(() => overview(engine)),
      stop: os.engine.stop.handler(() => {
        // After the answer: whoever asked wants to hear it.
        setTimeout(onStop, 50);
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
    key: {
      get: os.key.get.handler(() => engine.keyProtection.state()),
      set: os.key.set.handler(({ input }) => engine.keyProtection.set(input.wrapped)),
    },
    settings: {
      list: os.settings.list.handler(() => listSettings(engine)),
      set: os.settings.set.handler(({ input }) => changeSetting(engine, input)),
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
    metrics: {
      get: os.metrics.get.handler(() => ({ enabled: engine.metrics.enabled })),
      enable: os.metrics.enable.handler(async () => ({ token: await engine.metrics.enable() })),
      disable: os.metrics.disable.handler(async () => {
        await engine.metrics.disable();
        return done;
      }),
    },
    backup: {
      get: os.backup.get.handler(() => engine.backups.view()),
      start: os.backup.start.handler(({ input }) => engine.backups.start(input)),
      cancel: os.backup.cancel.handler(() => engine.backups.cancel()),
    },
    webhooks: {
      list: os.webhooks.list.handler(() => engine.webhooks.list()),
      add: os.webhooks.add.handler(({ input }) => engine.webhooks.add(input)),
      addStatus: os.webhooks.addStatus.handler(({ input }) => engine.webhooks.addStatus(input)),
      addTraces: os.webhooks.addTraces.handler(({ input }) => engine.webhooks.addTraces(input)),
      remove: os.webhooks.remove.handler(async ({ input }) => {
        await engine.webhooks.remove(input.id);
        return done;
      }),
      deliveries: os.webhooks.deliveries.handler(({ input }) => engine.webhooks.deliveries(input.id, input.limit)),
      redeliver: os.webhooks.redeliver.handler(({ input }) => engine.webhooks.redeliver(input.id)),
    },
  };
}
