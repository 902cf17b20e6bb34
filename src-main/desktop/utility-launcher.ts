/** Owns the starter of the engine's own programs in Electron: `utilityProcess.fork`. Node's starter is in process/. */
import { utilityProcess } from 'electron';
import { entryPath } from '../process/entry-points.ts';
import type { LaunchedProcess, Launcher, ProcessExit } from '../process/launcher.ts';

const lastOutputLimitBytes = 16 * 1024;

/** Electron wants an environment without undefined values. */
function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  const defined: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) defined[name] = value;
  return defined;
}

/** A launcher over `utilityProcess.fork`, to be used after the app is ready. Source: https://www.electronjs.org/docs/latest/api/utility-process */
export function createUtilityLauncher(): Launcher {
  return {
    launch(entry, { args = [], env = process.env, variables }) {
      const child = utilityProcess.fork(entryPath(entry), [...args], {
        env: definedOnly({ ...env, ...variables }),
        execArgv: [],
        stdio: ['ignore', 'ignore', 'pipe'],
        serviceName: `Slipway ${entry}`,
      });
      return watch(child);
    },
  };
}

function watch(child: Electron.UtilityProcess): LaunchedProcess {
  let tail = Buffer.alloc(0);
  let ended: ProcessExit | null = null;
  let killedBy: 'SIGTERM' | 'SIGKILL' | null = null;
  const exitListeners: ((exit: ProcessExit) => void)[] = [];

  const keep = (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]);
    if (tail.length > lastOutputLimitBytes) tail = Buffer.from(tail.subarray(tail.length - lastOutputLimitBytes));
  };
  child.stderr?.on('data', keep);
  child.stderr?.on('error', () => undefined);
  child.on('error', (type, location) => keep(Buffer.from(`${type} at ${location}\n`)));
  child.on('spawn', () => {
    // A kill before the start was asked for finds nothing to end.
    if (killedBy) end(killedBy);
  });
  child.on('exit', exitCode => {
    ended = { exitCode, signal: killedBy };
    for (const listener of exitListeners.splice(0)) listener(ended);
  });

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
      if (ended === null) child.postMessage(message);
    },
    onMessage(listener) {
      child.on('message', listener);
    },
    onExit(listener) {
      if (ended === null) exitListeners.push(listener);
      else queueMicrotask(listener.bind(null, ended));
    },
    lastOutput: () => tail.toString('utf8'),
    kill(signal) {
      if (ended !== null) return;
      killedBy = signal;
      end(signal);
    },
  };
}
