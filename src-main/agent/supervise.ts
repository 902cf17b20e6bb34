/** Owns the one process that a release's start command is: started in its own group, kept running, and ended whole. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, open, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import { backoffMs, restartBackoff } from '../domain/backoff.ts';
import { groupIsAlive, signalGroup, sweepTree } from '../process/kill-tree.ts';
import type { Logger } from '../telemetry/logger.ts';
import { assignmentOf, endLeftovers, rememberRun } from './leftovers.ts';

/** From the request to end to the kill: a server has this long to finish its requests. */
const stopGraceMs = 10_000;
const groupPollMs = 25;
/** One older copy is kept beside it, so a chatty release takes at most twice this. */
const maxLogBytes = 16 * 1024 * 1024;
const logCheckMs = 30_000;
export interface ServiceSpec {
  readonly command: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface Supervisor {
  /** Starts the release's process. Ends the one before, if any. Throws `agent.start_failed`. */
  start(spec: ServiceSpec): Promise<void>;
  /** Ends the process and all that it started; safe at any time. */
  stop(): Promise<void>;
  isRunning(): boolean;
  /** Settles when the process ends by itself; never when there is none or it is stopped. */
  exited(): Promise<string>;
  /** From now on a process that ends is started again, more slowly each time. */
  keepRunning(onChange: (isRunning: boolean) => void): void;
  /** Ends what an agent that was killed left running. Finds it on Linux alone. */
  endLeftovers(): Promise<void>;
  readonly logFile: string;
}

function shellOf(command: string): { readonly file: string; readonly args: readonly string[] } {
  return process.platform === 'win32'
    ? { file: process.env.ComSpec ?? 'cmd.exe', args: ['/d', '/s', '/c', command] }
    : { file: '/bin/sh', args: ['-c', command] };
}

interface Run {
  readonly child: ChildProcess;
  readonly pid: number;
  /** `NAME=value` in the environment of all its processes. */
  readonly assignment: string;
  readonly ended: Promise<string>;
}

async function endRun({ child, pid, assignment, ended }: Run): Promise<void> {
  signalGroup(pid, 'SIGTERM');
  const deadline = performance.now() + stopGraceMs;
  while (
    performance.now() < deadline &&
    ((child.exitCode === null && child.signalCode === null) || (await groupIsAlive(pid)))
  ) {
    await Promise.race([ended, delay(groupPollMs)]);
    if (child.exitCode !== null || child.signalCode !== null) await delay(groupPollMs);
  }
  await sweepTree(pid, assignment);
  await ended;
}

/** A supervisor that logs to `<logs>/service.log` and remembers in `runFile` what it runs. */
export function createSupervisor({
  logs,
  runFile,
  logger,
}: {
  readonly logs: string;
  readonly runFile: string;
  readonly logger: Logger;
}): Supervisor {
  const logFile = join(logs, 'service.log');
  let run: Run | null = null;
  let spec: ServiceSpec | null = null;
  let onChange: ((isRunning: boolean) => void) | null = null;
  let failures = 0;
  let stopping = new AbortController();
  let restarting: Promise<void> = Promise.resolve();
  let logTimer: NodeJS.Timeout | null = null;

  /** The process holds the log open for appending, so it is emptied in place. */
  async function limitLog(): Promise<void> {
    try {
      if ((await stat(logFile)).size <= maxLogBytes) return;
      await copyFile(logFile, `${logFile}.1`);
      await truncate(logFile, 0);
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') logger.warn('agent.log_not_limited', { reason: messageOf(error) });
    }
  }

  async function launch({ command, cwd, env }: ServiceSpec): Promise<Run> {
    const remembered = await rememberRun(runFile);
    const log = await open(logFile, 'a', 0o600);
    try {
      const { file, args } = shellOf(command);
      const child = spawn(file, [...args], {
        cwd,
        env: { ...env, ...remembered.env },
        detached: process.platform !== 'win32',
        // A file and not a pipe: the release outlives an agent that is restarted or killed.
        stdio: ['ignore', log.fd, log.fd],
        windowsHide: true,
      });
      const ended = new Promise<string>(resolve => {
        child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
        child.once('error', error => resolve(messageOf(error)));
      });
      if (child.pid === undefined) {
        const reason = await ended;
        throw new DomainError('agent.start_failed', `The start command could not be run in ${cwd}: ${reason}.`, {
          command,
          cwd,
        });
      }
      await Promise.race([once(child, 'spawn'), ended]);
      return { child, pid: child.pid, assignment: assignmentOf(remembered), ended };
    } finally {
      await log.close();
    }
  }

  /** Watches one run until it ends by itself; `stop` aborts the signal first. */
  function watch(current: Run, signal: AbortSignal): void {
    void current.ended.then(reason => {
      if (signal.aborted || onChange === null) return;
      logger.warn('agent.service_ended', { reason });
      onChange(false);
      restarting = restart(signal);
    });
  }

  async function restart(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        failures += 1;
        await delay(backoffMs(restartBackoff, failures, Math.random()), undefined, { signal });
        if (spec === null) return;
        const started = await launch(spec);
        run = started;
        if (signal.aborted) return;
        onChange?.(true);
        watch(started, signal);
        return;
      } catch (error) {
        if (!signal.aborted) logger.warn('agent.service_not_started', { reason: messageOf(error) });
      }
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    onChange = null;
    if (logTimer !== null) clearInterval(logTimer);
    logTimer = null;
    await restarting;
    const ending = run;
    run = null;
    spec = null;
    if (ending !== null) await endRun(ending);
  }

  return {
    logFile,
    stop,
    async start(next) {
      await stop();
      await limitLog();
      stopping = new AbortController();
      failures = 0;
      spec = next;
      run = await launch(next);
      logTimer = setInterval(() => void limitLog(), logCheckMs);
      logTimer.unref();
    },
    isRunning: () => run !== null && run.child.exitCode === null && run.child.signalCode === null,
    exited: () => run?.ended ?? new Promise(() => undefined),
    keepRunning(listener) {
      onChange = listener;
      if (run !== null) watch(run, stopping.signal);
    },
    endLeftovers: () => endLeftovers(runFile),
  };
}
