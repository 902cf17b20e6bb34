/** Owns when a worker that ended is replaced: at once, or later and later where it ends again and again right after its start. */
import { DomainError } from '../contract/errors.ts';
import { backoffMs, restartBackoff } from '../domain/backoff.ts';
import type { Clock } from '../domain/clock.ts';
import type { Member } from './pool-member.ts';

/** A worker that lived this long did not crash at start; its replacement comes at once. */
const settledAfterMs = 30_000;
/** One end may have any cause, and so may two. */
const crashesOfALoop = 3;
const maxReasonChars = 300;

export interface RestartPlan {
  /** Milliseconds until the next try in a slot whose worker has ended. */
  delayAfter(member: Member): number;
  /** The slot's worker has lived long enough. */
  settle(members: Iterable<Member>): void;
  /** What a person should know: some workers, or all, end right after their start. Null while none does. */
  problem(members: Iterable<Member>, wanted: number): DomainError | null;
}

interface Crashes {
  readonly count: number;
  readonly lastWords: string;
}

/** What a process said of its end: an uncaught error's own line, the error of a line of our log, else the last line. */
function lastWords(output: string): string {
  const lines = output.trimEnd().split('\n');
  const uncaught = lines.findLast(line => /^(?:Uncaught )?\w*Error\b.*:/.test(line));
  return (uncaught ?? loggedError(lines.at(-1) ?? '')).slice(0, maxReasonChars);
}

function loggedError(line: string): string {
  try {
    const parsed: unknown = JSON.parse(line);
    const isError = typeof parsed === 'object' && parsed !== null && 'error' in parsed;
    return isError && typeof parsed.error === 'string' ? parsed.error : line;
  } catch {
    return line;
  }
}

export function createRestartPlan(clock: Clock): RestartPlan {
  const crashes = new Map<number, Crashes>();
  return {
    delayAfter(member) {
      const isSettled = clock() - member.startedAt > settledAfterMs;
      const count = isSettled ? 1 : (crashes.get(member.slot)?.count ?? 0) + 1;
      crashes.set(member.slot, { count, lastWords: lastWords(member.lastOutput()) });
      return count === 1 ? 0 : backoffMs(restartBackoff, count - 1, Math.random());
    },
    settle(members) {
      for (const member of members) {
        if (member.isReady && clock() - member.startedAt > settledAfterMs) crashes.delete(member.slot);
      }
    },
    problem(members, wanted) {
      // A slot that is no longer wanted has no say.
      const loops = [...crashes]
        .filter(([slot, { count }]) => slot < wanted && count >= crashesOfALoop)
        .sort(([a], [b]) => a - b);
      const [first] = loops;
      if (!first) return null;
      const [slot, { count, lastWords: said }] = first;
      const words = said === '' ? 'It said nothing.' : `Its last words: ${said}`;
      const isAnyReady = [...members].some(member => member.isReady);
      return new DomainError(
        'worker.crash_loop',
        isAnyReady
          ? `${loops.length === 1 ? `Worker ${slot + 1}` : `${loops.length} workers`} ended ${count} times within ${settledAfterMs / 1_000} s of the start; others go on, and it is tried again, later each time. ${words}`
          : `No worker can be started: ${count} tries ended within ${settledAfterMs / 1_000} s. Builds wait, and it is tried again, at least every 30 s. ${words}`,
        { count, workers: loops.length },
      );
    },
  };
}
