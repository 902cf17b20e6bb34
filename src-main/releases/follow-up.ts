/** Owns what follows from an event, one after another, and again where it could not be written down. Knows not what it is. */
import { setTimeout as delay } from 'node:timers/promises';
import { DomainError } from '../contract/errors.ts';
import { backoffMs, restartBackoff } from '../domain/backoff.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface FollowUps {
  /** Does the work when what was given before is done. Never throws. */
  add(name: string, work: () => Promise<void>): void;
  /** Nothing is tried again; resolves when nothing is under way. May be repeated. */
  stop(): Promise<void>;
}

/**
 * An event comes once. Work that the database refuses for now, since another program keeps it locked or the disk is full, is
 * repeated until it is taken, so `work` must bear that; what else fails is in the log, and the next goes on.
 */
export function createFollowUps(logger: Logger): FollowUps {
  const stopping = new AbortController();
  let last: Promise<void> = Promise.resolve();

  async function insist(name: string, work: () => Promise<void>): Promise<void> {
    for (let failures = 1; !stopping.signal.aborted; failures += 1) {
      try {
        return await work();
      } catch (error) {
        logger.error(name, { error });
        if (!(error instanceof DomainError) || error.retry !== 'automatic') return;
      }
      const waitMs = backoffMs(restartBackoff, failures, Math.random());
      await delay(waitMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  }

  return {
    add(name, work) {
      last = last.then(() => insist(name, work));
    },
    async stop() {
      stopping.abort();
      await last;
    },
  };
}
