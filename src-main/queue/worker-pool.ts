/** Owns the worker processes: how many there are, starts, wakes, pauses, drains and replaces them. Knows nothing of builds. */
import { availableParallelism, totalmem } from 'node:os';
import { DomainError } from '../contract/errors.ts';
import { type SettingName, type Settings, settingsOf } from '../contract/settings.ts';
import { type WorkerMode, workerModeSchema } from '../contract/views/worker.ts';
import { type ToWorker, unrecordedExitCode, type WorkerSettings } from '../contract/worker-messages.ts';
import { appendEvent } from '../database/events.ts';
import type { Db } from '../database/open-database.ts';
import { databaseError } from '../database/open-sqlite.ts';
import { readAllSettings, readSetting, writeSetting } from '../database/settings.ts';
import { insertWorker } from '../database/workers.ts';
import type { Clock } from '../domain/clock.ts';
import { type PoolSize, poolSize } from '../domain/pool-size.ts';
import type { Launcher, ProcessExit } from '../process/launcher.ts';
import type { PowerState } from '../process/power-state.ts';
import type { BuildAcceptance } from '../releases/build-acceptance.ts';
import type { Logger } from '../telemetry/logger.ts';
import { launchMember, type Member, type MemberListener } from './pool-member.ts';
import { createRestartPlan } from './restart-plan.ts';
import { createWorkerLosses, findLostWorkers, type LossCause } from './worker-losses.ts';

/** How often the supervisor looks for lost workers: well within the deadline of 15 s for a job to run again. */
const superviseEveryMs = 1_000;
/**
 * The supervisor's timer did not come for this long: the machine slept, and its workers with it, or its clock was set. A look that is
 * slow, since the database is, is no sleep: nobody would be late until it were over.
 */
const sleptAfterMs = 5_000;
/** How long workers may take to end their step at stop: longer than the grace of a step, or the step would outlive them. */
const stopGraceMs = 12_000;
/** A plug is pulled by a person; a few seconds later is soon enough. */
const powerEveryMs = 10_000;

/** Until a worker is tried again that could not write: the storage watch tells a person meanwhile what is wrong. */
const unrecordedPauseMs = 1_000;
const unrecordedReason = 'its work could not be recorded, since the database was locked or could not be written';

export interface WorkerPoolOptions {
  readonly db: Db;
  readonly launcher: Launcher;
  readonly power: PowerState;
  /** For this run, until a person sets the size; left out: what the settings say. */
  readonly size?: number;
  readonly settings: Pick<
    WorkerSettings,
    'databaseFile' | 'dataFolder' | 'mainStoreUrl' | 'mainStoreAccess' | 'masterKey'
  >;
  /** Signs what workers have built. */
  readonly acceptance: BuildAcceptance;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onChanged: () => void;
  readonly onLog: (jobId: string) => void;
}

export interface WorkerPool {
  start(): Promise<void>;
  stop(): Promise<void>;
  wake(): void;
  cancel(jobId: string): void;
  /** Kept over a restart. */
  setMode(mode: WorkerMode): Promise<void>;
  /** A setting has changed; it holds from now on. */
  configure(changed: SettingName): Promise<void>;
  readonly mode: WorkerMode;
  /** Whether no job is taken. */
  readonly paused: boolean;
  readonly size: PoolSize;
  readonly onBattery: boolean | null;
  readonly members: readonly Member[];
  /** Why workers cannot be kept running, or null. */
  readonly problem: DomainError | null;
}

/** What this process may use: a container's limit counts where there is one. */
function usableMemoryBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { db, clock, logger, power } = options;
  const members = new Map<string, Member>();
  /** Slots whose worker is tried again later. */
  const restarts = new Map<number, NodeJS.Timeout>();
  const plan = createRestartPlan(clock);
  const losses = createWorkerLosses({ db, dataFolder: options.settings.dataFolder, clock, logger });
  /** Why workers ended whose end could not be recorded yet. */
  const unrecorded = new Map<string, LossCause>();
  /** Why a worker was killed by the supervisor, until its process has ended. */
  const killedFor = new Map<string, { readonly reason: string; readonly silentMs: number }>();
  const ended = new Set<Promise<void>>();
  let supervision: NodeJS.Timeout | null = null;
  let supervising: Promise<void> = Promise.resolve();
  let isLooking = false;
  let tickedAt = 0;
  let watchingSince = 0;
  let poweredAt = 0;
  let stopping = false;
  let stopped: Promise<void> | null = null;
  let mode: WorkerMode = 'running';
  let settings: Settings = settingsOf(new Map());
  let sizeOfRun = options.size ?? null;
  let onBattery: boolean | null = null;

  const size = () =>
    poolSize({
      setting: sizeOfRun ?? settings['workers.size'],
      cores: availableParallelism(),
      memoryBytes: usableMemoryBytes(),
      onBattery,
      batteryRule: settings['workers.onBattery'],
    });
  const wanted = () => (mode === 'drained' ? 0 : size().workers);
  const tell = (message: ToWorker) => {
    for (const member of members.values()) member.send(message);
  };

  const listener: MemberListener = {
    ready: member => member.send({ type: 'pause', paused: mode !== 'running' }),
    changed: options.onChanged,
    log: options.onLog,
    built: (workerId, facts) =>
      options.acceptance.accept(workerId, facts).then(
        () => null,
        (error: unknown) => {
          const known = databaseError(error, `the database in ${options.settings.dataFolder}`);
          if (known instanceof DomainError) return known;
          logger.error('build.not_recorded', { buildId: facts.buildId, error });
          return new DomainError('internal', "The build record could not be stored. The engine's log has more; retry.");
        },
      ),
    exit(member, exit) {
      const settled: Promise<void> = settle(member, exit)
        .catch(error => logger.error('worker.not_settled', { workerId: member.id, error }))
        .finally(() => ended.delete(settled));
      ended.add(settled);
    },
  };

  async function launch(slot: number): Promise<void> {
    const member = launchMember(slot, { launcher: options.launcher, clock, listener });
    const { id, name, startedAt } = member;
    members.set(id, member);
    try {
      await insertWorker(db, { id, name, pid: member.pid ?? 0, startedAt, checkupAt: startedAt });
      await appendEvent(db, { type: 'worker.started', at: startedAt, subjectId: id, data: { name, pid: member.pid } });
    } catch (error) {
      // Its end starts the next try.
      member.kill('SIGKILL');
      throw error;
    }
    member.start({
      ...options.settings,
      checkupMs: settings['workers.checkupMs'],
      recycleAfterJobs: settings['workers.recycleAfterJobs'],
      recycleAboveBytes: settings['workers.recycleAboveBytes'],
    });
    options.onChanged();
  }

  /** Brings the number of workers to what is wanted: at once upwards; downwards as workers end their jobs, idle ones first. */
  function resize(): Promise<unknown> {
    if (stopping) return Promise.resolve();
    const staying = [...members.values()].filter(member => member.leaving === null);
    const waitingSlots = [...restarts.keys()].sort((a, b) => b - a);
    for (const slot of waitingSlots.slice(0, Math.max(0, staying.length + restarts.size - wanted()))) {
      clearTimeout(restarts.get(slot));
      restarts.delete(slot);
    }
    const isBusy = (member: Member) => Number(member.signs.work.kind === 'own' || member.signs.work.kind === 'step');
    const leavers = staying
      .sort((a, b) => isBusy(a) - isBusy(b) || b.slot - a.slot)
      .slice(0, Math.max(0, staying.length - wanted()));
    for (const member of leavers) {
      member.leave(mode === 'drained' ? 'the workers are drained' : `no more than ${wanted()} wanted`);
    }
    const taken = new Set([...[...members.values()].map(member => member.slot), ...restarts.keys()]);
    const missing = Math.max(0, wanted() - taken.size);
    const free = Array.from({ length: taken.size + missing }, (_, slot) => slot).filter(slot => !taken.has(slot));
    return Promise.all(
      free.slice(0, missing).map(slot => launch(slot).catch(error => logger.error('worker.launch_failed', { error }))),
    );
  }

  async function settle(member: Member, exit: ProcessExit): Promise<void> {
    const how = exit.signal ? `was killed by ${exit.signal}` : `ended with exit code ${exit.exitCode}`;
    const killed = killedFor.get(member.id) ?? null;
    killedFor.delete(member.id);
    const isUnrecorded = exit.exitCode === unrecordedExitCode;
    const left = exit.exitCode === 0 ? member.leaving : isUnrecorded ? unrecordedReason : null;
    await record(member.id, {
      reason: stopping ? 'its engine ended' : (killed?.reason ?? left ?? `its process ${how}`),
      exit,
      silentMs: killed?.silentMs ?? null,
      lastOutput: member.lastOutput(),
      inOrder: stopping || left !== null,
    });
    members.delete(member.id);
    if (stopping) return;
    const delayMs = isUnrecorded ? unrecordedPauseMs : left === null ? plan.delayAfter(member) : 0;
    if (delayMs > 0) {
      restarts.set(
        member.slot,
        setTimeout(() => {
          restarts.delete(member.slot);
          void resize();
        }, delayMs),
      );
    }
    await resize();
  }

  async function record(id: string, cause: LossCause): Promise<void> {
    try {
      await losses.settle(id, cause);
      unrecorded.delete(id);
      options.onChanged();
      tell({ type: 'wake' });
    } catch (error) {
      // The worker still stands in the table, so the supervisor comes upon it again.
      unrecorded.set(id, cause);
      logger.error('worker.loss_unrecorded', { workerId: id, error });
    }
  }

  /** Time passes here too; returns it. */
  function tick(): number {
    const now = clock();
    if (Math.abs(now - tickedAt) > sleptAfterMs) watchingSince = now;
    tickedAt = now;
    return now;
  }

  async function supervise(): Promise<void> {
    const lost = await findLostWorkers(db, members, () => {
      const now = tick();
      const { 'workers.checkupMs': checkupMs, 'workers.stallMs': stallMs } = settings;
      return { now, checkupMs, stallMs, watchingSince };
    });
    // All that are not ours are ended before anything is written: one may stand still in a transaction, which locks all others
    // out, and it need not be the first.
    for (const { id } of lost) if (!members.has(id)) await losses.endProcesses(id);
    for (const { id, reason, silentMs } of lost) {
      // Killed first: a stopped process that is continued later must find nothing to go on with.
      const member = members.get(id);
      if (member) {
        killedFor.set(id, { reason, silentMs });
        member.kill('SIGKILL');
      } else {
        await record(id, unrecorded.get(id) ?? { reason, exit: null, silentMs, lastOutput: '', inOrder: false });
      }
    }
    plan.settle(members.values());
    if (Math.abs(tickedAt - poweredAt) >= powerEveryMs) {
      poweredAt = tickedAt;
      await lookAtPower();
    }
  }

  async function lookAtPower(): Promise<void> {
    const before = size().workers;
    onBattery = await power.onBattery();
    if (size().workers === before || supervision === null) return;
    await sayChanged({ wanted: size().workers, reason: size().reason });
    await resize();
  }

  async function sayChanged(data: Record<string, unknown>): Promise<void> {
    await appendEvent(db, { type: 'worker.changed', at: clock(), data });
    options.onChanged();
  }

  async function stopAll(): Promise<void> {
    stopping = true;
    if (supervision) clearInterval(supervision);
    for (const restart of restarts.values()) clearTimeout(restart);
    restarts.clear();
    await supervising;
    for (const member of members.values()) member.kill('SIGTERM');
    const kill = setTimeout(() => {
      for (const member of members.values()) member.kill('SIGKILL');
    }, stopGraceMs);
    while (members.size > 0 || ended.size > 0) {
      await Promise.race([...ended, new Promise(resolve => setTimeout(resolve, 20))]);
    }
    clearTimeout(kill);
  }

  return {
    get mode() {
      return mode;
    },
    get paused() {
      return mode !== 'running';
    },
    get problem() {
      return plan.problem(members.values(), wanted());
    },
    get size() {
      return size();
    },
    get onBattery() {
      return onBattery;
    },
    get members() {
      return [...members.values()].sort((a, b) => a.slot - b.slot);
    },
    async start() {
      stopping = false;
      stopped = null;
      mode = workerModeSchema.catch('running').parse(await readSetting(db, 'workers.mode'));
      settings = settingsOf(await readAllSettings(db));
      await supervise();
      await resize();
      supervision = setInterval(() => {
        tick();
        if (isLooking) return;
        isLooking = true;
        supervising = supervise()
          .catch(error => logger.error('supervisor.failed', { error }))
          .finally(() => {
            isLooking = false;
          });
      }, superviseEveryMs);
    },
    stop() {
      stopped ??= stopAll();
      return stopped;
    },
    wake: () => tell({ type: 'wake' }),
    cancel: jobId => tell({ type: 'cancel', jobId }),
    async setMode(next) {
      await writeSetting(db, 'workers.mode', next);
      mode = next;
      tell({ type: 'pause', paused: mode !== 'running' });
      await sayChanged({ mode });
      await resize();
    },
    async configure(changed) {
      settings = settingsOf(await readAllSettings(db));
      if (changed === 'workers.size') sizeOfRun = null;
      if (changed === 'workers.checkupMs') {
        // Nobody is late by a rule that was not there when he last showed himself.
        watchingSince = clock();
        tell({ type: 'checkup', intervalMs: settings['workers.checkupMs'] });
      }
      await sayChanged({ wanted: size().workers, reason: size().reason });
      await resize();
    },
  };
}
