/** Owns the processes of releases that this agent supervises: the one that serves, and while two overlap the one that follows. */
import type { Logger } from '../telemetry/logger.ts';
import type { AgentFolder } from './agent-folder.ts';
import { createSupervisor, type Supervisor } from './supervise.ts';

export interface Services {
  readonly serving: Supervisor;
  readonly following: Supervisor;
  /** The one that follows serves from now on. */
  swap(): void;
  /** Ends both. */
  stop(): Promise<void>;
  /** Ends what an agent that was killed left running. Finds it on Linux alone. */
  endLeftovers(): Promise<void>;
  readonly logFile: string;
}

export function createServices(folder: AgentFolder, logger: Logger): Services {
  let serving = createSupervisor({ logs: folder.logs, runFile: folder.runFile, logger });
  let following = createSupervisor({ logs: folder.logs, runFile: folder.spareRunFile, logger });
  const both = () => [serving, following] as const;
  return {
    get serving() {
      return serving;
    },
    get following() {
      return following;
    },
    swap() {
      [serving, following] = [following, serving];
    },
    async stop() {
      await Promise.all(both().map(supervisor => supervisor.stop()));
    },
    async endLeftovers() {
      for (const supervisor of both()) await supervisor.endLeftovers();
    },
    logFile: serving.logFile,
  };
}
