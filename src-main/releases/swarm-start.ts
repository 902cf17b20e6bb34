/** Owns that the swarm runs some time: it is started until it does, says meanwhile why it does not, and each loss is told. */
import { setTimeout as delay } from 'node:timers/promises';
import { DomainError } from '../contract/errors.ts';
import { appendEvent } from '../database/events.ts';
import type { Db } from '../database/open-database.ts';
import { readSetting } from '../database/settings.ts';
import { backoffMs, restartBackoff } from '../domain/backoff.ts';
import type { Clock } from '../domain/clock.ts';
import type { SwarmClient, SwarmLoss } from '../swarm/swarm-client.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Seeding } from './seeding.ts';

export interface SwarmStart {
  /** Why the swarm does not run, or null. */
  readonly problem: DomainError | null;
  /** Comes back at once. */
  start(): void;
  /** No further try; a swarm that runs is left to its owner. */
  stop(): void;
}

/** `onChanged` hears of each try, `onEvent` of each event that was recorded. */
export function createSwarmStart(options: {
  readonly db: Db;
  readonly swarm: SwarmClient;
  readonly seeding: Seeding;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onChanged: () => void;
  readonly onEvent: () => void;
}): SwarmStart {
  const { db, swarm, seeding, clock, logger } = options;
  const stopping = new AbortController();
  let problem: DomainError | null = null;

  /** Until it runs: a port that was taken, or a database that was locked, is free some time. */
  async function run(): Promise<void> {
    for (let failures = 1; !stopping.signal.aborted; failures += 1) {
      try {
        await swarm.start();
        const paused = (await readSetting(db, 'swarm.paused')) ?? 'false';
        // A time that has passed meanwhile ends the pause at the next look of the swarm's rules.
        await seeding.setPaused(paused !== 'false', /^\d+$/.test(paused) ? Number(paused) : null);
        problem = null;
      } catch (error) {
        if (stopping.signal.aborted) return;
        problem =
          error instanceof DomainError
            ? error
            : new DomainError('swarm.unavailable', 'The swarm process did not start.');
        logger.error('swarm.not_started', { error });
      }
      options.onChanged();
      if (problem === null) return;
      const waitMs = backoffMs(restartBackoff, failures, Math.random());
      await delay(waitMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  }

  const recordLoss = ({ exit, ...loss }: SwarmLoss): void => {
    appendEvent(db, { type: 'swarm.lost', at: clock(), data: { ...exit, ...loss } })
      .then(options.onEvent)
      .catch(error => logger.error('swarm.loss_not_recorded', { error }));
  };
  const unsubscribe = swarm.onLost(recordLoss);

  return {
    get problem() {
      return problem;
    },
    start() {
      void run();
    },
    stop() {
      unsubscribe();
      stopping.abort();
    },
  };
}
