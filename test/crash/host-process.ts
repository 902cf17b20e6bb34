/** Owns the host process of a crash history: started, told, killed, and what it said on stderr kept. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { HostSettings, ToHost } from './host-messages.ts';
import { folderVariable, placesIn } from './places.ts';

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export interface HostProcess {
  readonly pid: number;
  readonly ended: boolean;
  send(message: ToHost): void;
  /** With SIGKILL, if it has not ended; resolves when it has. */
  kill(): Promise<void>;
  /** In order; resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** Starts a host, and waits until its pool runs. Throws when it ended before. */
export async function startHost(settings: HostSettings): Promise<HostProcess> {
  const places = placesIn(settings.folder);
  const child: ChildProcess = fork(pathOf('./crash-host.ts'), [JSON.stringify(settings)], {
    // Also in its database thread, which takes over the arguments of its process.
    execArgv: ['--import', pathOf('./kill-points.ts')],
    // Hundreds of processes load the same modules: compiled once, they start in half the time.
    env: { ...process.env, [folderVariable]: settings.folder, NODE_COMPILE_CACHE: places.compileCache },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const output = createWriteStream(places.hostOutput, { flags: 'a' });
  child.stderr?.pipe(output);
  const exited = once(child, 'exit');
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const pid = child.pid;
  if (pid === undefined) throw new Error('the host process did not start');
  await Promise.race([once(child, 'message'), exited]);
  if (hasEnded()) {
    throw new Error(`the host ended at its start (${child.signalCode ?? child.exitCode}); see ${places.hostOutput}`);
  }
  return {
    pid,
    get ended() {
      return hasEnded();
    },
    send: message => child.send(message, () => undefined),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      child.send({ type: 'stop' } satisfies ToHost, () => undefined);
      await exited;
      return child.exitCode;
    },
  };
}
