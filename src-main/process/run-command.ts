/** Owns running a program with an argument list to its end, its output in memory. Knows no shell. */
import { spawn } from 'node:child_process';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import { signalGroup } from './kill-tree.ts';

const defaultMaxOutputBytes = 16 * 1024 * 1024;
/** Long enough for git to remove its lock files and temporary packs; a program that does not listen is killed. */
const graceMs = 2_000;

export interface CommandOptions {
  /** A name on the PATH of `env`, or an absolute path. */
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; nothing is inherited. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  readonly timeoutMs: number;
  /** Of stdout and of stderr each; 16 MiB by default. */
  readonly maxOutputBytes?: number;
  readonly input?: Uint8Array;
}

export interface CommandResult {
  /** `exited` by itself; else it was ended here, for this reason. */
  readonly outcome: 'exited' | 'timed_out' | 'cancelled' | 'output_too_large';
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/**
 * Runs a program in its own process group and waits for it and for its output. A group that is aborted, out of time, or
 * prints more than `maxOutputBytes` gets SIGTERM, and SIGKILL two seconds later. A failing program is a result, not an error.
 *
 * Throws `toolchain.missing` when the program cannot be started.
 */
export function runCommand(options: CommandOptions): Promise<CommandResult> {
  const { command, args, cwd, env, signal, timeoutMs, input } = options;
  const maxOutputBytes = options.maxOutputBytes ?? defaultMaxOutputBytes;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      resolve({ outcome: 'cancelled', exitCode: null, signal: null, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) });
      return;
    }
    const child = spawn(command, [...args], {
      cwd,
      env,
      detached: process.platform !== 'win32',
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });

    let outcome: CommandResult['outcome'] = 'exited';
    let killTimer: NodeJS.Timeout | undefined;
    const end = (reason: CommandResult['outcome']) => {
      if (outcome !== 'exited' || child.pid === undefined) return;
      outcome = reason;
      const pid = child.pid;
      signalGroup(pid, 'SIGTERM');
      killTimer = setTimeout(() => {
        signalGroup(pid, 'SIGKILL');
        // A process that left the group may hold the pipes open; nothing more is wanted from them.
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, graceMs);
    };
    const onAbort = () => end('cancelled');
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(() => end('timed_out'), timeoutMs);
    const release = () => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      signal?.removeEventListener('abort', onAbort);
    };

    const collect = (chunks: Buffer[]) => {
      let sizeBytes = 0;
      return (chunk: Buffer) => {
        sizeBytes += chunk.length;
        if (sizeBytes <= maxOutputBytes) chunks.push(chunk);
        else end('output_too_large');
      };
    };
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on('data', collect(stdout));
    child.stderr?.on('data', collect(stderr));
    // A program may end without reading its input; its exit code says what that means.
    child.stdin?.on('error', () => undefined);
    if (input !== undefined) child.stdin?.end(input);

    child.on('error', error => {
      if (child.pid !== undefined) return;
      release();
      reject(
        new DomainError(
          'toolchain.missing',
          `The program ${command} could not be started in ${cwd} (${systemErrorCode(error) ?? messageOf(error)}). Install it, or put it on the PATH.`,
          { program: command, cwd },
          { cause: error },
        ),
      );
    });
    child.on('close', (exitCode, endSignal) => {
      release();
      resolve({
        outcome,
        exitCode,
        signal: endSignal,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr),
      });
    });
  });
}
