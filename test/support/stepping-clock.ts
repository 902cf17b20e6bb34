/** Owns a clock that a test lets run by steps: so much at each look, however long the machine takes between two looks. */
import type { Clock } from '../../src-main/domain/clock.ts';

export interface SteppingClock {
  readonly clock: Clock;
  /** From now on each look finds it later by so many milliseconds; 0: it is the system's again. */
  step(stepMs: number): void;
}

export function createSteppingClock(): SteppingClock {
  let stepMs = 0;
  let nowMs = 0;
  return {
    clock() {
      nowMs = stepMs > 0 ? nowMs + stepMs : Date.now();
      return nowMs;
    },
    step(next) {
      stepMs = next;
      nowMs = Date.now();
    },
  };
}
