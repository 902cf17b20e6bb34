/** Owns the starter of the engine's own programs in plain Node: `child_process.fork`. Electron's starter is in desktop/. */
import { type ChildProcess, fork } from 'node:child_process';
import { entryPath } from './entry-points.ts';
import type { EntryName, LaunchedProcess, Launcher } from './launcher.ts';
import { createOutputTail } from './output-tail.ts';
import { createProcessEnd } from './process-end.ts';

/** After the end, how long to wait for the last of stderr: a child of the child may hold the pipe open for ever. */
const drainMs = 500;

/**
 * A launcher over `child_process.fork`: an IPC channel with structured clone, stdout discarded, the end of stderr kept.
 * `env` is the whole environment where `launch` gives none; nothing is added to it but its variables.
 */
export function createNodeLauncher(
  options: { readonly env?: NodeJS.ProcessEnv; readonly pathOf?: (entry: EntryName) => string } = {},
): Launcher {
  const pathOf = options.pathOf ?? entryPath;
  return {
    launch(entry, { args = [], env = options.env ?? process.env, variables }) {
      const child = fork(pathOf(entry), [...args], {
        env: { ...env, ...variables },
        // Not those of this process: its inspector port and loaders are its own.
        execArgv: [],
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
      return watch(child);
    },
  };
}

function watch(child: ChildProcess): LaunchedProcess {
  const tail = createOutputTail();
  const ended = createProcessEnd();

  child.stderr?.on('data', (chunk: Buffer) => tail.take(chunk));
  child.stderr?.on('error', () => undefined);
  child.on('error', error => {
    // Also emitted when a signal or a message could not be delivered; only a child that never started has no pid.
    if (child.pid !== undefined) return;
    tail.take(Buffer.from(error.message));
    ended.come({ exitCode: null, signal: null });
  });
  child.on('exit', (exitCode, signal) => {
    const timer = setTimeout(() => ended.come({ exitCode, signal }), drainMs);
    child.once('close', () => {
      clearTimeout(timer);
      ended.come({ exitCode, signal });
    });
  });

  return {
    pid: child.pid,
    send(message) {
      if (!child.connected) return;
      // The channel may close between the check and the write; the exit listener tells.
      child.send(message as NodeJS.Dict<unknown>, () => undefined);
    },
    onMessage(listener) {
      child.on('message', listener);
    },
    onExit: ended.onExit,
    onPulse: tail.onPulse,
    lastOutput: tail.text,
    kill(signal) {
      child.kill(signal);
    },
  };
}
