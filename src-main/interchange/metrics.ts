/** Owns /metrics: off until a person turns it on, and then for whoever has its own token. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { EngineEvent } from '../contract/events.ts';
import type { EventFeed } from '../database/event-feed.ts';
import type { Db } from '../database/open-database.ts';
import { readSetting, writeSetting } from '../database/settings.ts';
import type { Clock } from '../domain/clock.ts';
import type { SwarmStats } from '../swarm/swarm-client.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { MetricSet } from './metric-set.ts';

export interface Metrics {
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly enabled: boolean;
  /** The token, this once; one that was given before is worth nothing any more. */
  enable(): Promise<string>;
  disable(): Promise<void>;
  /** OpenMetrics text; null where metrics are off or the token is not theirs. */
  scrape(token: string | undefined): Promise<{ readonly contentType: string; readonly text: string } | null>;
}

const digestOf = (token: string) => createHash('sha256').update(token).digest();

export function createMetrics(options: {
  readonly db: Db;
  readonly feed: Pick<EventFeed, 'onEvent'>;
  readonly swarm: () => SwarmStats;
  readonly clock: Clock;
  readonly logger: Logger;
}): Metrics {
  const { db, feed, logger } = options;
  /** SHA-256 of the token: who reads the database cannot read metrics with it. Null while they are off. */
  let digest: Buffer | null = null;
  /** The library is loaded by those who use it. */
  let set: Promise<MetricSet> | null = null;
  let counting: Promise<void> = Promise.resolve();
  let stopped = false;

  function load(): Promise<MetricSet> {
    set ??= import('./metric-set.ts').then(({ createMetricSet }) => createMetricSet(options));
    return set;
  }

  function count(event: EngineEvent): void {
    if (digest === null || stopped) return;
    counting = counting
      .then(load)
      .then(loaded => (stopped ? undefined : loaded.count(event)))
      .catch(error => logger.error('metrics.not_counted', { error }));
  }

  async function change(next: Buffer | null): Promise<void> {
    await writeSetting(db, 'metrics.token_digest', next === null ? '' : next.toString('hex'));
    digest = next;
  }

  return {
    get enabled() {
      return digest !== null;
    },
    async start() {
      const kept = await readSetting(db, 'metrics.token_digest');
      digest = kept ? Buffer.from(kept, 'hex') : null;
      feed.onEvent(count);
    },
    async stop() {
      stopped = true;
      await counting;
    },
    async enable() {
      const token = randomBytes(32).toString('base64url');
      await change(digestOf(token));
      return token;
    },
    disable: () => change(null),
    async scrape(token) {
      if (digest === null || token === undefined || !timingSafeEqual(digest, digestOf(token))) return null;
      const loaded = await load();
      return { contentType: loaded.contentType, text: await loaded.text() };
    },
  };
}
