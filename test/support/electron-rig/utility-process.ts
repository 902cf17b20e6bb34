/** Owns `utilityProcess`: each is a real Node child, and finds `process.parentPort` as in Electron. */
import { type ChildProcess, fork } from 'node:child_process';
import { Events, onlyKnown } from './strict.ts';

const children = new Set<ChildProcess>();

/** Electron's utility processes end with it. */
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

class RigUtilityProcess extends Events<'spawn' | 'exit' | 'message' | 'error'> {
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    super('UtilityProcess', ['spawn', 'exit', 'message', 'error']);
    this.#child = child;
    children.add(child);
    child.once('spawn', () => this.emit('spawn'));
    child.once('exit', exitCode => {
      children.delete(child);
      this.emit('exit', exitCode ?? 1);
    });
    child.on('message', message => this.emit('message', message));
    child.on('error', error => this.emit('error', 'FatalError', error.message, ''));
  }

  get pid(): number | undefined {
    return this.#child.exitCode === null && this.#child.signalCode === null ? this.#child.pid : undefined;
  }

  get stderr() {
    return this.#child.stderr;
  }

  postMessage(message: unknown): void {
    if (this.#child.connected && typeof message === 'object' && message !== null)
      this.#child.send(message, () => undefined);
  }

  kill(): boolean {
    return this.#child.kill('SIGTERM');
  }
}

interface Options {
  readonly env: Record<string, string>;
  readonly stdio: ('ignore' | 'pipe')[];
}

export const utilityProcess = {
  fork(modulePath: string, args: string[], options: Options): RigUtilityProcess {
    onlyKnown('utilityProcess.fork', options, ['env', 'execArgv', 'stdio', 'serviceName']);
    const child = fork(modulePath, args, {
      env: options.env,
      execArgv: ['--import', new URL('./parent-port.ts', import.meta.url).href],
      serialization: 'advanced',
      stdio: [...options.stdio, 'ipc'],
    });
    return new RigUtilityProcess(child);
  },
};
