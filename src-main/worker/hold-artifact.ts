/** Owns how an attempt keeps the artifacts that it reads or publishes from being reclaimed while it runs. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Held, holdForAttempt } from '../database/pack-holds.ts';
import type { AttemptRun } from './attempt-run.ts';

/** To delete one pack takes a file system milliseconds, and a cloud store a second. */
const askEveryMs = 200;

/**
 * Holds an artifact until the attempt ends. Waits while what was reclaimed of it is being deleted from the main store, so that the
 * deletion cannot meet what is published after it. Throws the signal's reason, `data.busy`.
 */
export async function holdArtifact(run: AttemptRun, held: Held): Promise<void> {
  const { token } = run.claimed;
  while (!(await holdForAttempt(run.db, token, held, run.clock()))) {
    run.onProgress?.();
    await delay(askEveryMs, undefined, { signal: run.signal });
  }
}
