/** Owns what the worker pool is said to be at. Pure. */
import type { EngineStatus } from '../../src-main/contract/views/engine.ts';

type Pool = Pick<EngineStatus['workers'], 'busy' | 'total' | 'mode'>;

/** In the space of a status line: `1 of 2 busy`, `paused, 1 busy`, `draining, 1 busy`, `drained`. */
export function poolWords({ busy, total, mode }: Pool): string {
  switch (mode) {
    case 'running':
      return `${busy} of ${total} busy`;
    case 'paused':
      return `paused, ${busy} busy`;
    case 'drained':
      return total === 0 ? 'drained' : `draining, ${busy} busy`;
  }
}

/** What everyone should see while no job is taken; null while jobs are. */
export function standstillWords({ busy, total, mode }: Pool): string | null {
  const goingOn = busy === 0 ? '' : busy === 1 ? ' One build still runs.' : ` ${busy} builds still run.`;
  switch (mode) {
    case 'running':
      return null;
    case 'paused':
      return `Builds are paused: new revisions wait in the queue.${goingOn}`;
    case 'drained':
      return `${total === 0 ? 'The workers are drained' : 'The workers are being drained'}: new revisions wait in the queue.${goingOn}`;
  }
}
