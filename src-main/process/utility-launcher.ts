/** Owns the starter of the engine's own programs in Electron: over its `utilityProcess.fork`, which is handed in. Node's is in node-launcher.ts. */
import { entryPath } from './entry-points.ts';
import type { LaunchedProcess, Launcher } from './launcher.ts';
import { createOutputTail } from './output-tail.ts';
import { createProcessEnd } from './process-end.ts';

/** The part of Electron's `UtilityProcess` that is used. Source: https://www.electronjs.org/docs/latest/api/utility-process */
export interface UtilityChild {
  readonly pid: number | undefined;
  readonly stderr: NodeJS.ReadableStream | null;
  kill(): boolean;
  postMessage(message: unknown): void;
  on(event: 'spawn', listener: () => void): unknown;
  on(event: 'exit', listener: (exitCode: number) => void): unknown;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'error', listener: (type: 'FatalError', location: string, report: string) => void): unknown;
}

export type ForkUtility = (
  modulePath: string,
  args: string[],
  options: {
    env: Record<string, string>;
    execArgv: string[];
    stdio: ('ignore' | 'pipe')[];
    serviceName: string;
  },
) => UtilityChild;

/** Electron wants an environment without undefined values. */
function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  const defined: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) defined[name] = value;
  return defined;
}

/** A launcher over `utilityProcess.fork`, to be used after the app is ready. */
export function createUtilityLauncher(fork: ForkUtility): Launcher {
  return {
    launch(entry, { args = [], env = process.env, variables }) {
      const child = fork(entryPath(entry), [...args], {
        env: definedOnly({ ...env, ...variables }),
        execArgv: [],
        stdio: ['ignore', 'ignore', 'pipe'],
        serviceName: `Slipway ${entry}`,
      });
      return watch(child);
    },
  };
}

function watch(child: UtilityChild): LaunchedProcess {
  const tail = createOutputTail();
  const ended = createProcessEnd();
  let killedBy: 'SIGTERM' | 'SIGKILL' | null = null;

  child.stderr?.on('data', (chunk: Buffer) => tail.take(chunk));
  child.stderr?.on('error', () => undefined);
  child.on('error', (type, location) => tail.take(Buffer.from(`${type} at ${location}\n`)));
  child.on('spawn', () => {
    // A kill before the start was asked for finds nothing to end.
    if (killedBy) end(killedBy);
  });
  child.on('exit', exitCode => ended.come({ exitCode, signal: killedBy }));

  const end = (signal: 'SIGTERM' | 'SIGKILL') => {
    if (signal === 'SIGTERM' || child.pid === undefined) {
      child.kill();
      return;
    }
    try {
      process.kill(child.pid, signal);
    } catch {
      // It has ended in the meantime; the exit listener tells.
    }
  };

  return {
    get pid() {
      return child.pid;
    },
    send(message) {
      if (!ended.hasCome) child.postMessage(message);
    },
    onMessage(listener) {
      child.on('message', listener);
    },
    onExit: ended.onExit,
    onPulse: tail.onPulse,
    lastOutput: tail.text,
    kill(signal) {
      if (ended.hasCome) return;
      killedBy = signal;
      end(signal);
    },
  };
}
