/** Owns whether a release that was just started is well. */
import { setTimeout as delay } from 'node:timers/promises';
import { DomainError, messageOf } from '../contract/errors.ts';
import type { HealthCheck } from '../contract/plan.ts';
import { runCommand } from '../process/run-command.ts';

/** Without a check, a process that lives this long has at least found its files and its port. */
const settleMs = 1_000;
const maxOutputBytes = 64 * 1024;

export interface HealthSubject {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Settles when the release's process ended by itself, with how; null where none was started. */
  readonly exited: Promise<string> | null;
  readonly logFile: string;
  readonly signal: AbortSignal;
}

/** Null where the answer is good; else what is wrong with it. */
async function httpProblem(url: string, timeoutMs: number, signal: AbortSignal): Promise<string | null> {
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    await response.body?.cancel();
    return response.ok ? null : `${url} answered ${response.status}`;
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    return `${url} did not answer (${cause})`;
  }
}

async function commandProblem(
  command: string,
  timeoutMs: number,
  { cwd, env, signal }: HealthSubject,
): Promise<string | null> {
  const [program, args] =
    process.platform === 'win32' ? ['cmd.exe', ['/d', '/s', '/c', command]] : ['/bin/sh', ['-c', command]];
  const result = await runCommand({ command: program, args, cwd, env: { ...env }, signal, timeoutMs, maxOutputBytes });
  signal.throwIfAborted();
  if (result.outcome === 'timed_out') return `the health command took more than ${timeoutMs} ms`;
  if (result.exitCode === 0) return null;
  return `the health command ended with ${result.signal === null ? `exit code ${result.exitCode}` : `signal ${result.signal}`}`;
}

async function problemOf(health: HealthCheck, subject: HealthSubject): Promise<string | null> {
  const overHttp = health.http === undefined ? null : await httpProblem(health.http, health.timeoutMs, subject.signal);
  if (overHttp !== null || health.command === undefined) return overHttp;
  return commandProblem(health.command, health.timeoutMs, subject);
}

/**
 * Waits until the release is well: its check passes within its attempts, or, without a check, its process lives on.
 * Throws `agent.start_failed` (the process ended), `agent.health_failed`, or the signal's reason.
 */
export async function checkHealth(health: HealthCheck | null, subject: HealthSubject): Promise<void> {
  const { exited, logFile, signal } = subject;
  const over = new AbortController();
  const died =
    exited?.then(reason => {
      throw new DomainError(
        'agent.start_failed',
        `The release's start command ended with ${reason} before it was well. Its output is in ${logFile} on the machine.`,
        { reason, logFile },
      );
    }) ?? null;
  // Looked at below, or no longer of interest.
  died?.catch(() => undefined);
  const attempts = async (): Promise<void> => {
    const aborted = AbortSignal.any([signal, over.signal]);
    if (health === null) {
      if (died !== null) await delay(settleMs, undefined, { signal: aborted });
      return;
    }
    let problem: string | null = null;
    for (let attempt = 1; attempt <= health.attempts; attempt += 1) {
      if (attempt > 1) await delay(health.intervalMs, undefined, { signal: aborted });
      problem = await problemOf(health, { ...subject, signal: aborted });
      if (problem === null) return;
    }
    throw new DomainError(
      'agent.health_failed',
      `The release is not well: ${problem}, at the last of ${health.attempts} attempts. Its output is in ${logFile} on the machine.`,
      { problem, attempts: health.attempts },
    );
  };
  const attempting = attempts();
  try {
    await (died === null ? attempting : Promise.race([attempting, died]));
  } finally {
    over.abort();
    await attempting.catch(() => undefined);
  }
}
