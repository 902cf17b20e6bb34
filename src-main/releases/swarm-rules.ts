/** Owns what a person has said about the swarm's share of the line: its limit, the hours of the limit, the end of a pause. */
import { settingsOf } from '../contract/settings.ts';
import type { Db } from '../database/open-database.ts';
import { readAllSettings } from '../database/settings.ts';
import type { Clock } from '../domain/clock.ts';
import { limitHolds } from '../domain/limit-hours.ts';
import type { SwarmClient } from '../swarm/swarm-client.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Seeding } from './seeding.ts';

/** Hours are told to the minute. */
const lookEveryMs = 20_000;

export interface SwarmRules {
  start(): void;
  stop(): void;
  /** Puts in force what holds now. */
  apply(): Promise<void>;
}

export function createSwarmRules(options: {
  readonly db: Db;
  readonly swarm: Pick<SwarmClient, 'setLimits'>;
  readonly seeding: Pick<Seeding, 'paused' | 'pausedUntilMs' | 'setPaused'>;
  readonly clock: Clock;
  readonly logger: Logger;
}): SwarmRules {
  const { db, swarm, seeding, clock, logger } = options;
  let timer: NodeJS.Timeout | null = null;
  let inForce: number | null = null;

  const apply = async (): Promise<void> => {
    const nowMs = clock();
    if (seeding.paused && seeding.pausedUntilMs !== null && seeding.pausedUntilMs <= nowMs) {
      await seeding.setPaused(false);
    }
    const settings = settingsOf(await readAllSettings(db));
    const limit = settings['swarm.uploadLimit'];
    const now = new Date(nowMs);
    const holds = limitHolds(settings['swarm.limitHours'], now.getHours() * 60 + now.getMinutes());
    const wanted = limit === 'none' || !holds ? null : limit;
    if (wanted === inForce) return;
    swarm.setLimits({ uploadBytesPerSecond: wanted, downloadBytesPerSecond: null });
    inForce = wanted;
    logger.info('swarm.limit_changed', { uploadBytesPerSecond: wanted });
  };
  const look = (): void => {
    apply().catch(error => logger.warn('swarm.rules_not_applied', { error }));
  };

  return {
    start: () => {
      look();
      timer ??= setInterval(look, lookEveryMs).unref();
    },
    stop: () => {
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
    apply,
  };
}
