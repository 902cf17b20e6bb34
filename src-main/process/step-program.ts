/** Owns the start of a step's process: its shell, what stands before it, and that it has no handle but its own three. */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setPriority } from 'node:os';
import { Writable } from 'node:stream';
import { systemErrorCode } from '../contract/errors.ts';
import { inheritableHandles } from './inherited-handles.ts';

/** Below whatever a person does on the machine. The kernel takes the priority at the disk from it. Source: ioprio_set(2). */
const buildNiceness = 10;

/** A program that is started for a step, in place of the bare shell. */
export interface StepProgram {
  readonly file: string;
  readonly args: readonly string[];
  /** Its whole environment, which need not be the step's. */
  readonly env: NodeJS.ProcessEnv;
  /** What it reads from descriptor 3. */
  readonly input?: Uint8Array;
  /** It must not be interrupted itself: what it started is. */
  readonly isOutside: boolean;
}

/** The shell of the platform with a command line, as it is started without anything around it. */
export function shellWords(commandLine: string): readonly [string, ...string[]] {
  return ['/bin/sh', '-e', '-c', commandLine];
}

/** Starts it as the leader of a session of its own, at a lower priority. Throws what `spawn` throws. */
export function startStep(
  program: StepProgram | { readonly commandLine: string; readonly env: NodeJS.ProcessEnv },
  cwd: string,
  target: number | 'pipe',
): ChildProcess {
  if (!('file' in program) && process.platform === 'win32') {
    // As Node's own `shell: true` does it: the quotes are the outer pair that /s takes off.
    const child = spawn(process.env.ComSpec ?? 'cmd.exe', ['/d', '/s', '/c', `"${program.commandLine}"`], {
      cwd,
      env: program.env,
      stdio: ['ignore', target, target],
      windowsVerbatimArguments: true,
      windowsHide: true,
    });
    lowerPriority(child);
    return child;
  }
  const [file, ...args] = 'file' in program ? [program.file, ...program.args] : shellWords(program.commandLine);
  const input = 'file' in program ? program.input : undefined;
  const nothing = process.platform === 'win32' ? null : openSync('/dev/null', 'r+');
  try {
    const child = spawn(file, args, {
      cwd,
      env: program.env,
      detached: process.platform !== 'win32',
      windowsHide: true,
      stdio: handles(target, input !== undefined, nothing),
    });
    lowerPriority(child);
    const pipe = child.stdio[3];
    if (input !== undefined && pipe instanceof Writable) {
      // A program that ends before it has read all says why by its exit code.
      pipe.on('error', () => undefined);
      pipe.end(input);
    }
    return child;
  } finally {
    if (nothing !== null) closeSync(nothing);
  }
}

/** Three handles, the input where there is one, and /dev/null over whatever would be inherited from this process. */
function handles(target: number | 'pipe', hasInput: boolean, nothing: number | null): StdioOptions {
  const stdio: ('ignore' | 'pipe' | number)[] = ['ignore', target, target];
  if (hasInput) stdio[3] = 'pipe';
  for (const fd of nothing === null ? [] : inheritableHandles()) {
    // Node leaves a handle from 3 on as it is where it is told to ignore it.
    while (stdio.length < fd) stdio.push('ignore');
    if (stdio[fd] === undefined) stdio[fd] = nothing ?? 'ignore';
  }
  return stdio;
}

function lowerPriority(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    setPriority(child.pid, buildNiceness);
  } catch (error) {
    // It has ended already, or somebody forbids it: a build at the usual priority is still a build.
    if (systemErrorCode(error) === null) throw error;
  }
}
