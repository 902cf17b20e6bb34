/** Owns the end of one started process: told once to everyone who asked, also to those who ask after it. */
import type { ProcessExit } from './launcher.ts';

export interface ProcessEnd {
  readonly hasCome: boolean;
  /** Later calls change nothing. */
  come(exit: ProcessExit): void;
  /** Calls `listener` once, always after this call has returned. */
  onExit(listener: (exit: ProcessExit) => void): void;
}

export function createProcessEnd(): ProcessEnd {
  let ended: ProcessExit | null = null;
  const listeners: ((exit: ProcessExit) => void)[] = [];
  return {
    get hasCome() {
      return ended !== null;
    },
    come(exit) {
      if (ended !== null) return;
      ended = exit;
      for (const listener of listeners.splice(0)) listener(exit);
    },
    onExit(listener) {
      if (ended === null) listeners.push(listener);
      else queueMicrotask(listener.bind(null, ended));
    },
  };
}
