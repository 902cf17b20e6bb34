/** Owns when a worker counts as lost: the signs of life that it gives, and how long each may be missing. No I/O. */
import { checkupDeadlineMs } from './clock.ts';

/** A pulse comes every second and needs no database. With a checkup every 5 s this never lets a stopped worker outlive the deadline of that. */
const pulseDeadlineMs = 6_500;
/** From its launch until it can take jobs: a second on an idle machine. */
const startDeadlineMs = 60_000;
/** A worker without a job looks for one every second. */
const idleDeadlineMs = 120_000;
/** What may follow a step's time limit and its grace: the sweep of its processes, the rest of its log, its test results. */
const stepSlackMs = 60_000;

/** Longer than a look takes, between its time and the last sign that it reads; a clock that is set by less hides nobody for longer. */
const lookMs = 5_000;

/** What a worker is at. `limitMs` is the longest that a step may take, its grace and its repetitions counted; null: no such limit. */
export interface WorkerWork {
  readonly kind: 'starting' | 'idle' | 'own' | 'step';
  readonly name: string | null;
  readonly limitMs: number | null;
}

export interface WorkerSigns {
  /** Of the checkup in the database; UTC milliseconds. */
  readonly checkupAt: number;
  /** When its pulse was last felt here; null where it never was. */
  readonly pulseAt: number | null;
  readonly work: WorkerWork;
  readonly workBeganAt: number;
  /** When a counter of its work last moved. */
  readonly movedAt: number;
}

export interface SupervisionRules {
  readonly checkupMs: number;
  readonly stallMs: number;
  /** Since when the supervisor itself has been watching without a gap: nobody could show before then that he was alive. */
  readonly watchingSince: number;
}

export interface Loss {
  readonly reason: string;
  /** How long there was no sign of what was expected. */
  readonly silentMs: number;
}

/**
 * How old a sign is. One from before the watch, or from a future that a set clock has taken back, counts from the watch's beginning.
 * One that came while the supervisor was looking is a little later than its look began, and is no future: it is new.
 */
function ageOf(at: number, now: number, { watchingSince }: SupervisionRules): number {
  const since = at > now + lookMs ? watchingSince : Math.max(at, watchingSince);
  return Math.max(0, now - since);
}

const seconds = (ms: number) => `${Math.round(ms / 1_000)} s`;

/**
 * Why a worker is lost, or null while it is not. Without a checkup it is lost only if its pulse is missing too: the pulse
 * needs no database, so a locked or slow one ends nobody. A worker that shows itself and stands still is lost as well.
 */
export function whyLost(signs: WorkerSigns, now: number, rules: SupervisionRules): Loss | null {
  const checkupAge = ageOf(signs.checkupAt, now, rules);
  const pulseAge = signs.pulseAt === null ? checkupAge : ageOf(signs.pulseAt, now, rules);
  const isStarting = signs.work.kind === 'starting';
  const deadlineMs = Math.max(checkupDeadlineMs(rules.checkupMs), isStarting ? startDeadlineMs : 0);
  if (checkupAge > deadlineMs && pulseAge > pulseDeadlineMs) {
    return {
      reason:
        signs.pulseAt === null
          ? `no checkup for ${seconds(checkupAge)}`
          : `no checkup for ${seconds(checkupAge)}, and no pulse for ${seconds(pulseAge)}`,
      silentMs: checkupAge,
    };
  }
  return whyStalled(signs, now, rules);
}

function whyStalled(signs: WorkerSigns, now: number, rules: SupervisionRules): Loss | null {
  const silentMs = ageOf(signs.movedAt, now, rules);
  const workedMs = ageOf(signs.workBeganAt, now, rules);
  const { kind, name, limitMs } = signs.work;
  const stalled = (reason: string, ms: number): Loss => ({
    reason: `${reason}, though it showed that it lives`,
    silentMs: ms,
  });
  switch (kind) {
    case 'starting':
      return workedMs > startDeadlineMs ? stalled(`it was not ready after ${seconds(workedMs)}`, workedMs) : null;
    case 'idle':
      return silentMs > idleDeadlineMs ? stalled(`it did not look for a job for ${seconds(silentMs)}`, silentMs) : null;
    case 'own':
      return silentMs > rules.stallMs ? stalled(`"${name}" made no progress for ${seconds(silentMs)}`, silentMs) : null;
    case 'step':
      return limitMs !== null && workedMs > limitMs + stepSlackMs
        ? stalled(`"${name}" did not end ${seconds(workedMs - limitMs)} after its time limit`, workedMs - limitMs)
        : null;
  }
}
