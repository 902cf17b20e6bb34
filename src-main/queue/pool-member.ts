/** Owns one worker process as the pool sees it: its start, what it tells, its signs of life. Decides nothing. */
import { v7 as uuidv7 } from 'uuid';
import type { BuildFacts } from '../contract/documents.ts';
import type { DomainError } from '../contract/errors.ts';
import { fromWorkerSchema, type ToWorker, type WorkerSettings } from '../contract/worker-messages.ts';
import type { Clock } from '../domain/clock.ts';
import type { WorkerSigns } from '../domain/worker-signs.ts';
import { workerVariable } from '../domain/worker-variable.ts';
import type { Launcher, ProcessExit } from '../process/launcher.ts';

export type MemberSettings = Omit<WorkerSettings, 'workerId' | 'workerName'>;

export interface Member {
  readonly id: string;
  /** From 0; the worker is called by it. */
  readonly slot: number;
  readonly name: string;
  readonly pid: number | null;
  readonly startedAt: number;
  readonly isReady: boolean;
  readonly jobsDone: number;
  /** Why it ends in good order, or null. */
  readonly leaving: string | null;
  readonly signs: Omit<WorkerSigns, 'checkupAt'>;
  send(message: ToWorker): void;
  start(settings: MemberSettings): void;
  /** Lets it finish its job and end; not a loss. */
  leave(reason: string): void;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
  lastOutput(): string;
}

export interface MemberListener {
  ready(member: Member): void;
  changed(): void;
  log(jobId: string): void;
  /** Signs and stores the record of what the worker's attempt has made; gives why not, or null. */
  built(workerId: string, facts: BuildFacts): Promise<DomainError | null>;
  exit(member: Member, exit: ProcessExit): void;
}

/** Launches a process for a slot. It works once `start` has told it how. */
export function launchMember(
  slot: number,
  {
    launcher,
    clock,
    listener,
  }: { readonly launcher: Launcher; readonly clock: Clock; readonly listener: MemberListener },
): Member {
  const id = uuidv7();
  const name = `worker ${slot + 1}`;
  // By the variable it is found again, with all that it started, when its engine is gone.
  const child = launcher.launch('worker', { variables: { [workerVariable]: id } });
  const startedAt = clock();
  let isReady = false;
  let jobsDone = 0;
  let leaving: string | null = null;
  let signs: Omit<WorkerSigns, 'checkupAt'> = {
    pulseAt: null,
    movedAt: startedAt,
    work: { kind: 'starting', name: null, limitMs: null },
    workBeganAt: startedAt,
  };
  const member: Member = {
    id,
    slot,
    name,
    get pid() {
      return child.pid ?? null;
    },
    startedAt,
    get isReady() {
      return isReady;
    },
    get jobsDone() {
      return jobsDone;
    },
    get leaving() {
      return leaving;
    },
    get signs() {
      return signs;
    },
    send: message => child.send(message),
    start: settings =>
      child.send({ type: 'start', settings: { ...settings, workerId: id, workerName: name } } satisfies ToWorker),
    leave(reason) {
      leaving ??= reason;
      child.send({ type: 'drain' } satisfies ToWorker);
    },
    kill: signal => child.kill(signal),
    lastOutput: () => child.lastOutput(),
  };
  const begin = (work: WorkerSigns['work']) => {
    const now = clock();
    signs = { ...signs, work, workBeganAt: now, movedAt: now };
  };
  child.onPulse(() => {
    signs = { ...signs, pulseAt: clock() };
  });
  child.onMessage(raw => {
    const message = fromWorkerSchema.safeParse(raw);
    if (!message.success) return;
    signs = { ...signs, movedAt: clock() };
    switch (message.data.type) {
      case 'ready':
        isReady = true;
        begin({ kind: 'idle', name: null, limitMs: null });
        listener.ready(member);
        return;
      case 'work': {
        const { kind, name: step, limitMs } = message.data;
        ({ jobsDone } = message.data);
        begin({ kind, name: step, limitMs });
        return;
      }
      case 'leaving':
        leaving ??= message.data.reason;
        return;
      case 'changed':
        listener.changed();
        return;
      case 'built': {
        const { facts } = message.data;
        void listener.built(id, facts).then(error => {
          const answer = { type: 'recorded', buildId: facts.buildId, error: error?.toView() ?? null } as const;
          child.send(answer satisfies ToWorker);
        });
        return;
      }
      case 'log':
        listener.log(message.data.jobId);
        return;
      case 'progress':
    }
  });
  child.onExit(exit => listener.exit(member, exit));
  return member;
}
