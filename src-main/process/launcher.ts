/** Owns the port through which the engine starts its own child processes. Two starters implement it: Node's fork, Electron's utilityProcess. */

/** The engine's own programs; each is one file in source and one file in the build. */
export type EntryName = 'worker' | 'swarm';

export interface ProcessExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

export interface LaunchedProcess {
  readonly pid: number | undefined;
  /** Messages are plain data that survives structured clone; sending to an ended process does nothing. */
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Called for every pulse: a NUL on stderr, which any thread of a program may write, whatever its main thread waits for. */
  onPulse(listener: () => void): void;
  /** Called once, also when the process could not be started. */
  onExit(listener: (exit: ProcessExit) => void): void;
  /** The last output on stderr, at most 16 KiB, for evidence. */
  lastOutput(): string;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export interface Launcher {
  launch(
    entry: EntryName,
    options: {
      readonly args?: readonly string[];
      readonly env?: NodeJS.ProcessEnv;
      /** Added to the environment, whichever it is. */
      readonly variables?: Readonly<Record<string, string>>;
    },
  ): LaunchedProcess;
}
