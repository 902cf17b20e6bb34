/** Owns a running view of the engine for a shell around it: read once per burst of events, told as often as it was read. */
import { createRouterClient, type RouterClient } from '@orpc/server';
import type { EngineEvent } from '../contract/events.ts';
import type { EngineStatus } from '../contract/views/engine.ts';
import type { JobSummary } from '../contract/views/job.ts';
import type { RepositoryRow } from '../contract/views/repository.ts';
import type { SwarmView } from '../contract/views/swarm.ts';
import type { EventFeed } from '../database/event-feed.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { EngineRouter } from './router.ts';

export interface ShellFacts {
  readonly status: EngineStatus;
  readonly repositories: readonly RepositoryRow[];
  readonly swarm: SwarmView;
  /** The newest first. */
  readonly jobs: readonly JobSummary[];
}

export interface FactsFollower {
  readonly client: RouterClient<EngineRouter>;
  /** Reads now; never throws. */
  refresh(): Promise<void>;
  stop(): void;
}

const jobsShown = 5;
/** Rates change all the time; a tooltip need not. */
const rateEveryMs = 5_000;

/** Follows until stopped. `onEvent` is told of every event, `onFacts` of every reading. */
export function followFacts(options: {
  readonly router: EngineRouter;
  readonly feed: EventFeed;
  /** What is given to machines now, so that a swarm at rest costs no reading. */
  readonly uploadBytesPerSecond: () => number;
  readonly logger: Logger;
  readonly onFacts: (facts: ShellFacts) => void;
  readonly onEvent: (event: EngineEvent) => void;
}): FactsFollower {
  const { feed, logger } = options;
  const client = createRouterClient(options.router);
  const ended = new AbortController();
  let reading: Promise<void> | null = null;
  let again = false;
  let readAtMs = 0;
  let seeded = false;

  async function read(): Promise<void> {
    do {
      again = false;
      readAtMs = performance.now();
      seeded = options.uploadBytesPerSecond() > 0;
      const [status, repositories, swarm, { jobs }] = await Promise.all([
        client.engine.status(),
        client.repositories.list(),
        client.swarm.get(),
        client.jobs.list({ limit: jobsShown }),
      ]);
      if (!ended.signal.aborted) options.onFacts({ status, repositories, swarm, jobs });
    } while (again && !ended.signal.aborted);
  }

  function refresh(): Promise<void> {
    again = true;
    reading ??= read()
      .catch(error => {
        if (!ended.signal.aborted) logger.warn('shell.facts_not_read', { error });
      })
      .finally(() => {
        reading = null;
      });
    return reading;
  }

  function rateMatters(): boolean {
    const seeds = options.uploadBytesPerSecond() > 0;
    return seeds !== seeded || (seeds && performance.now() - readAtMs > rateEveryMs);
  }

  async function follow(): Promise<void> {
    for await (const push of feed.subscribe(null, ended.signal)) {
      if (push.kind === 'event') options.onEvent(push.event);
      // Progress of copies, machines and log lines changes nothing here.
      if (push.kind === 'event' || push.topic === 'status' || (push.topic === 'swarm' && rateMatters())) void refresh();
    }
  }

  follow().catch(error => logger.error('shell.not_followed', { error }));
  void refresh();
  return { client, refresh, stop: () => ended.abort() };
}
