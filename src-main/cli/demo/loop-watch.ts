/** Owns how long the engine's event loop is held during the demo, by whom it may be: the machine, or work of this process. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const resolutionMs = 5;

export interface LoopWatch {
  /** What was seen so far, in milliseconds with one decimal. */
  read(): LoopHeld;
  /** May be repeated. */
  stop(): void;
}

export interface LoopHeld {
  /** The longest time that a timer had to wait. Other processes that want the processor count too. */
  readonly maxMs: number;
  /** The most processor time that this thread took between two looks: what its own work held at the most. */
  readonly maxOwnMs: number;
}

/** Begins now. */
export function watchLoop(): LoopWatch {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  let before = process.threadCpuUsage();
  let maxOwnUs = 0;
  const look = () => {
    const now = process.threadCpuUsage();
    maxOwnUs = Math.max(maxOwnUs, now.user - before.user + now.system - before.system);
    before = now;
  };
  const timer = setInterval(look, resolutionMs);
  const round = (ms: number) => Math.round(ms * 10) / 10;
  return {
    read: () => ({ maxMs: round(delay.max / 1e6), maxOwnMs: round(maxOwnUs / 1e3) }),
    stop() {
      delay.disable();
      clearInterval(timer);
    },
  };
}
