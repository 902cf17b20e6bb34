/** Owns whether a release that was just started is well. */
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { DomainError, messageOf } from '../contract/errors.ts';
import type { HealthCheck } from '../contract/plan.ts';
import { runCommand } from '../process/run-command.ts';

/** Without a check, a process that lives this long has at least found its files and its port. */
const settleMs = 1_000;
const maxOutputBytes = 64 * 1024;
/** The last ones, for whoever looks why a release did not come up. */
const keptAnswers = 50;

export interface HealthAnswer {
  readonly atMs: number;
  /** Null where the answer was good. */
  readonly problem: string | null;
}

export interface HealthSubject {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Settles when the release's process ended by itself, with how; null where none was started. */
  readonly exited: Promise<string> | null;
  /** Where there is no check: what is wrong with what runs it; null where nothing can tell. */
  readonly problem: (() => Promise<string | null>) | null;
  readonly logFile: string;
  readonly signal: AbortSignal;
  /** Gets every answer, the last ones kept. */
  readonly answers: HealthAnswer[];
}

function withPort(text: string, env: HealthSubject['env']): string {
  return text.replaceAll(/\$(?:PORT\b|\{PORT\})/g, env.PORT ?? '');
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

function tcpProblem(address: string, timeoutMs: number, signal: AbortSignal): Promise<string | null> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(address.slice(colon + 1)) });
    const end = (problem: string | null) => {
      socket.destroy();
      signal.removeEventListener('abort', abort);
      resolve(problem);
    };
    const abort = () => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    socket.setTimeout(timeoutMs, () => end(`${address} did not answer within ${timeoutMs} ms`));
    socket.once('connect', () => end(null));
    socket.once('error', error => end(`${address} takes no connection (${messageOf(error)})`));
  });
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

/** One look at the release; null where it is well. Throws the signal's reason. */
export async function healthProblem(health: HealthCheck, subject: HealthSubject): Promise<string | null> {
  const { http, tcp, command, timeoutMs } = health;
  const { env, signal } = subject;
  if (http !== undefined) {
    const problem = await httpProblem(withPort(http, env), timeoutMs, signal);
    if (problem !== null) return problem;
  }
  if (tcp !== undefined) {
    const problem = await tcpProblem(withPort(tcp, env), timeoutMs, signal);
    if (problem !== null) return problem;
  }
  return command === undefined ? null : commandProblem(command, timeoutMs, subject);
}

function keep(answers: HealthAnswer[], problem: string | null): void {
  answers.push({ atMs: Date.now(), problem });
  if (answers.length > keptAnswers) answers.shift();
}

/** Asks until enough answers in a row are good. Throws `agent.health_failed` after `attempts` bad ones past the start period. */
async function askUntilWell(health: HealthCheck, subject: HealthSubject, signal: AbortSignal): Promise<void> {
  const { attempts, intervalMs, passes = 1, startPeriodMs = 0 } = health;
  const startedAt = performance.now();
  let failures = 0;
  for (let good = 0; ; ) {
    const problem = await healthProblem(health, { ...subject, signal });
    keep(subject.answers, problem);
    good = problem === null ? good + 1 : 0;
    if (good >= passes) return;
    if (problem !== null && performance.now() - startedAt >= startPeriodMs) failures += 1;
    if (failures >= attempts) {
      throw new DomainError(
        'agent.health_failed',
        `The release is not well: ${problem}, at the last of ${attempts} attempts. Its output is in ${subject.logFile} on the machine.`,
        { problem, attempts },
      );
    }
    await delay(intervalMs, undefined, { signal });
  }
}

/** Without a check: what runs it must be there after a moment. */
async function waitAMoment(subject: HealthSubject, signal: AbortSignal): Promise<void> {
  if (subject.exited === null && subject.problem === null) return;
  await delay(settleMs, undefined, { signal });
  const problem = (await subject.problem?.()) ?? null;
  if (problem === null) return;
  keep(subject.answers, problem);
  throw new DomainError('agent.health_failed', `The release is not well: ${problem}.`, { problem });
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
  const aborted = AbortSignal.any([signal, over.signal]);
  const asking = health === null ? waitAMoment(subject, aborted) : askUntilWell(health, subject, aborted);
  try {
    await (died === null ? asking : Promise.race([asking, died]));
  } finally {
    over.abort();
    await asking.catch(() => undefined);
  }
}
