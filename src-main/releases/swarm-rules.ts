/** Owns what a person has said about the swarm and its share of the line: who may reach it, its limit, its hours, the end of a pause, battery, metered links, trackers. */
import { type Settings, settingsOf } from '../contract/settings.ts';
import type { Db } from '../database/open-database.ts';
import { readAllSettings } from '../database/settings.ts';
import type { Clock } from '../domain/clock.ts';
import { limitHolds } from '../domain/limit-hours.ts';
import type { NetworkCost } from '../process/network-cost.ts';
import type { PowerState } from '../process/power-state.ts';
import type { SwarmClient } from '../swarm/swarm-client.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { HeldBy, Seeding } from './seeding.ts';
import { activeReleaseKeys } from './trust-document.ts';
import type { TrustService } from './trust-service.ts';

/** Hours are told to the minute. */
const lookEveryMs = 20_000;

/** Every address of this machine, or its loopback alone. */
export function listenHostOf(settings: Settings): string {
  return settings['swarm.listen'] === 'network' ? '0.0.0.0' : '127.0.0.1';
}

export interface SwarmRules {
  start(): void;
  stop(): void;
  /** Puts in force what holds now. */
  apply(): Promise<void>;
}

export function createSwarmRules(options: {
  readonly db: Db;
  readonly swarm: Pick<SwarmClient, 'setLimits' | 'setTracker' | 'listenAt'>;
  /** Where it listens whatever the setting says; null leaves it to the setting. */
  readonly fixedHost: string | null;
  readonly seeding: Pick<Seeding, 'paused' | 'pausedUntilMs' | 'setPaused' | 'setHeldBy' | 'setOtherTracker'>;
  readonly trust: Pick<TrustService, 'current'>;
  readonly power: PowerState;
  readonly network: NetworkCost;
  readonly clock: Clock;
  readonly logger: Logger;
}): SwarmRules {
  const { db, swarm, seeding, trust, power, network, clock, logger } = options;
  let timer: NodeJS.Timeout | null = null;
  let inForce: number | null = null;
  let tracking = 'null';

  /** What cannot be known holds nothing up. */
  async function heldBy(settings: Settings): Promise<HeldBy | null> {
    if (settings['swarm.onBattery'] === 'pause' && (await power.onBattery())) return 'battery';
    if (settings['swarm.onMetered'] === 'pause' && (await network.isMetered())) return 'metered';
    return null;
  }

  function track(port: number | 'off'): void {
    const machines = trust.current.machines.filter(machine => machine.revokedAtMs === null);
    const keys = {
      machines: machines.map(machine => machine.publicKey),
      controlCenters: [...activeReleaseKeys(trust.current)],
    };
    const wanted = port === 'off' ? null : { port, keys };
    const text = JSON.stringify(wanted);
    if (text === tracking) return;
    tracking = text;
    swarm.setTracker(wanted);
  }

  const apply = async (): Promise<void> => {
    const nowMs = clock();
    if (seeding.paused && seeding.pausedUntilMs !== null && seeding.pausedUntilMs <= nowMs) {
      await seeding.setPaused(false);
    }
    const settings = settingsOf(await readAllSettings(db));
    swarm.listenAt(options.fixedHost ?? listenHostOf(settings));
    seeding.setHeldBy(await heldBy(settings));
    track(settings['swarm.trackerPort']);
    seeding.setOtherTracker(settings['swarm.tracker'] === 'none' ? null : settings['swarm.tracker']);
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
