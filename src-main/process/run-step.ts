/** Owns running one build step in the platform's shell, with its output streamed, to an end that leaves no process behind. */
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import {
  groupIsAlive,
  type KnownTree,
  rememberTree,
  type StepTree,
  signalBelow,
  signalGroup,
  sweepTree,
} from './kill-tree.ts';
import { openStepOutput } from './step-output.ts';
import { type StepProgram, startStep } from './step-program.ts';

/** The variable by which a step's processes are found again, whatever session or parent they gave themselves. */
const trackingVariable = 'SLIPWAY_STEP';
const groupPollMs = 25;
/** After the end of all processes that can be found, how long a hidden one may hold the pipe open. */
const drainMs = 2_000;

export interface StepOptions {
  readonly commandLine: string;
  readonly cwd: string;
  /** The whole environment; only the tracking variable is added. */
  readonly env: NodeJS.ProcessEnv;
  /** stdout and stderr in the order written. The next chunk comes when this one's promise is settled: the step waits. */
  readonly onOutput: (chunk: Buffer) => void | Promise<void>;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** From the interrupt to the kill. */
  readonly graceMs: number;
  /** What is started instead of the bare shell, given the step's environment. */
  readonly program?: (env: NodeJS.ProcessEnv) => StepProgram;
  /** Watches the running step until `until`; what it resolves with, if not null, ends the step at once. */
  readonly watch?: (tree: StepTree, until: AbortSignal) => Promise<DomainError | null>;
}

export interface StepResult {
  readonly outcome: 'exited' | 'timed_out' | 'cancelled' | 'exceeded';
  /** Why a step was ended that `exceeded` what it may use. */
  readonly excess?: DomainError;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/**
 * Runs a command line with `/bin/sh -e -c` (`cmd.exe /d /s /c` on Windows) in its own session, with no input.
 *
 * Termination, on abort or timeout: SIGINT to the group, as Ctrl-C would, so that tools clean up; after `graceMs` SIGKILL;
 * then a sweep for what left the group. The sweep also follows a normal end: a server that a step left running would hold
 * ports and files of the next build. Nothing of the step runs when this returns.
 *
 * Throws `step.failed` when the shell cannot be started, and whatever `onOutput` throws, after ending the step.
 */
export async function runStep(options: StepOptions): Promise<StepResult> {
  if (options.signal.aborted) return { outcome: 'cancelled', exitCode: null, signal: null };
  const trackingId = randomUUID();
  const output = await openStepOutput();
  let child: ChildProcess;
  let streams: Readable[];
  let program: StepProgram | undefined;
  try {
    const env = { ...options.env, [trackingVariable]: trackingId };
    program = options.program?.(env);
    child = startStep(program ?? { commandLine: options.commandLine, env }, options.cwd, output.target);
    streams = [output.stream, child.stdout, child.stderr].filter(stream => stream !== null);
  } catch (error) {
    output.stream?.destroy();
    throw notStarted(options, error);
  } finally {
    output.closeTarget();
  }

  const exit = new Promise<{ exitCode: number | null; signal: string | null }>((resolve, reject) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
    child.on('error', error => {
      if (child.pid === undefined) reject(notStarted(options, error));
    });
  });
  // Awaited below, but perhaps only after it has failed.
  exit.catch(() => undefined);
  const ending = new AbortController();
  const draining = drain(streams, options.onOutput);
  // A log that cannot be written ends the step: its output would be lost.
  draining.catch(() => ending.abort());
  const pid = child.pid;
  if (pid === undefined) {
    for (const stream of streams) stream.destroy();
    await draining.catch(() => undefined);
    await exit;
    throw notStarted(options, null);
  }

  const assignment = `${trackingVariable}=${trackingId}`;
  const { outcome, excess } = await waitForEnd(exit, options, { leaderPid: pid, assignment }, ending.signal);
  let known: KnownTree = new Set();
  if (outcome !== 'exited') {
    known = await rememberTree(pid, assignment);
    // What takes too much would go on taking while it cleans up.
    if (outcome !== 'exceeded') await interrupt(pid, exit, options.graceMs, program?.isOutside ?? false);
  }
  await sweepTree(pid, assignment, known);
  const status = await exit;
  await drainWithin(draining, streams);
  return { outcome, ...(excess === undefined ? {} : { excess }), ...status };
}

function notStarted(options: StepOptions, cause: unknown): DomainError {
  const reason = systemErrorCode(cause) ?? messageOf(cause);
  return new DomainError(
    'step.failed',
    `The step could not be started in ${options.cwd} (${reason}). Check that the folder exists and that the machine has a shell.`,
    { commandLine: options.commandLine, cwd: options.cwd },
    { cause },
  );
}

/** Waits for the shell's end, the deadline, the abort or an excess, whichever comes first. */
async function waitForEnd(
  exit: Promise<unknown>,
  { signal, timeoutMs, watch }: StepOptions,
  tree: StepTree,
  failed: AbortSignal,
): Promise<Pick<StepResult, 'outcome' | 'excess'>> {
  const settled = new AbortController();
  const deadline = AbortSignal.any([signal, failed, settled.signal]);
  const watching = watch?.(tree, deadline) ?? null;
  try {
    return await Promise.race([
      exit.then(() => ({ outcome: 'exited' as const })),
      delay(timeoutMs, { outcome: 'timed_out' as const }, { signal: deadline }).catch(() => ({
        outcome: 'cancelled' as const,
      })),
      new Promise<Pick<StepResult, 'outcome' | 'excess'>>(resolve => {
        watching?.then(
          excess => excess !== null && resolve({ outcome: 'exceeded', excess }),
          // A step that nobody watches must not go on.
          error => resolve({ outcome: 'exceeded', excess: new DomainError('internal', messageOf(error)) }),
        );
      }),
    ]);
  } finally {
    settled.abort();
  }
}

/** SIGINT to the group, and up to `graceMs` for all of it to end. What is left is the sweep's. */
async function interrupt(
  pid: number,
  exit: Promise<unknown>,
  graceMs: number,
  leaderIsOutside: boolean,
): Promise<void> {
  if (leaderIsOutside) await signalBelow(pid, 'SIGINT');
  else signalGroup(pid, 'SIGINT');
  const deadlineMs = performance.now() + graceMs;
  while (performance.now() < deadlineMs && (await groupIsAlive(pid))) {
    await delay(Math.min(groupPollMs, graceMs));
  }
  if (process.platform === 'win32') await exit;
}

async function drain(streams: readonly Readable[], onOutput: StepOptions['onOutput']): Promise<void> {
  await Promise.all(
    streams.map(async stream => {
      for await (const chunk of stream) await onOutput(chunk);
    }),
  );
}

/**
 * Waits for the end of the output. A reader that is merely slow is waited for, however long; only a pipe on which nothing
 * comes any more, held open by a process that hid itself, is given up.
 */
async function drainWithin(draining: Promise<void>, streams: readonly Readable[]): Promise<void> {
  let lastBytes = -1;
  const idle = setInterval(() => {
    const waiting = streams.reduce((sum, stream) => sum + stream.readableLength, 0);
    const readBytes = streams.reduce((sum, stream) => sum + bytesRead(stream), 0);
    if (waiting > 0 || readBytes !== lastBytes) {
      lastBytes = readBytes;
      return;
    }
    for (const stream of streams) stream.destroy();
  }, drainMs);
  try {
    await draining;
  } catch (error) {
    // The stream was given up above: the step's own end stands.
    if (systemErrorCode(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  } finally {
    clearInterval(idle);
  }
}

function bytesRead(stream: Readable): number {
  return 'bytesRead' in stream && typeof stream.bytesRead === 'number' ? stream.bytesRead : 0;
}
