/** Owns one machine's agent: it follows a channel, brings each release here, and says what runs. */
import { setTimeout as delay } from 'node:timers/promises';
import type { BytesBySource, MachineReport, Pointer, Trust } from '../contract/documents.ts';
import { DomainError, type ErrorCode, type ErrorView } from '../contract/errors.ts';
import { forgetPairing } from './agent-identity.ts';
import type { AgentOptions } from './agent-options.ts';
import { createDriftWatch, type DriftWatch } from './drift-watch.ts';
import { type Following, isEnrolled, readPointer, readTrust, requestEnrollment } from './follow-channel.ts';
import { installRelease, prefetchRelease } from './install-release.ts';
import { type OpenAgent, openAgent } from './open-agent.ts';
import { repair, repairDue } from './repair.ts';

export type AgentOutcome =
  /** Nothing to do yet: not enrolled, or nothing released. */
  | { readonly kind: 'waiting'; readonly for: 'enrollment' | 'release' | 'migration' | 'rollout' | 'thrift' }
  | { readonly kind: 'unchanged'; readonly serial: number }
  | { readonly kind: 'activated'; readonly serial: number; readonly artifactId: string; readonly bytes: BytesBySource }
  /** The release did not come up, now or at an earlier look; what ran before runs. */
  | {
      readonly kind: 'rolled_back';
      readonly failedSerial: number;
      readonly serial: number | null;
      readonly error: ErrorView | null;
    }
  /** Nothing was changed; it is tried again at the next look. */
  | { readonly kind: 'failed'; readonly error: ErrorView };

export interface Agent {
  /** Takes the root, settles what a killed agent left, and follows the channel until `stop`. Throws `data.*`, `trust.*`, `secret.*`. */
  start(): Promise<void>;
  /** Ends the following, the swarm and the supervised release. */
  stop(): Promise<void>;
  /** One look at the channel, and what follows from it. Opens the agent where `start` has not; end it with `stop`. */
  runOnce(): Promise<AgentOutcome>;
  onReport(listener: (report: MachineReport) => void): () => void;
}

/** What will not come up by being tried again: another serial must come first. */
const giveUpCodes: ReadonlySet<ErrorCode> = new Set([
  'agent.health_failed',
  'agent.start_failed',
  'artifact.malformed',
  'artifact.unsafe_path',
]);

/** Whether a rollout lets this machine take the release. */
function isItsTurn({ identity }: OpenAgent, { rollout }: Pointer): boolean {
  return rollout === undefined || rollout.machines.includes(identity.machineId);
}

/** As far as this machine may go: what waits for its turn in a rollout is fetched already. */
async function take(agent: OpenAgent, trust: Trust, pointer: Pointer): Promise<AgentOutcome> {
  const { serial, artifactId } = pointer;
  if (!isItsTurn(agent, pointer)) {
    await prefetchRelease(agent, trust, pointer);
    agent.reporter.enter('waiting', serial);
    return { kind: 'waiting', for: 'rollout' };
  }
  const bytes = await installRelease(agent, trust, pointer);
  return bytes === null ? { kind: 'waiting', for: 'migration' } : { kind: 'activated', serial, artifactId, bytes };
}

/** Takes a release that did not come up for what it is. Other failures are thrown. */
async function install(agent: OpenAgent, trust: Trust, pointer: Pointer): Promise<AgentOutcome> {
  const { serial } = pointer;
  const { state, reporter, signal } = agent;
  try {
    return await take(agent, trust, pointer);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'agent.held') {
      reporter.set({ phase: 'waiting', progress: null, message: error.message });
      return { kind: 'waiting', for: 'thrift' };
    }
    if (!(error instanceof DomainError) || !giveUpCodes.has(error.code) || signal.aborted) throw error;
    await state.update({ failedSerial: serial });
    reporter.set({ phase: 'rolled_back', progress: null, message: error.message });
    const runs = state.value.current?.serial ?? null;
    return { kind: 'rolled_back', failedSerial: serial, serial: runs, error: error.toView() };
  }
}

/** One look: trust, enrollment, pointer, and what follows. Throws when nothing can be decided. */
async function look(agent: OpenAgent, drift: DriftWatch): Promise<AgentOutcome> {
  const { options, folder, state, identity, reporter, now } = agent;
  const channel: Following = { ...options, state };
  const trust = await readTrust(channel);
  if (trust === null || !isEnrolled(trust, identity, channel)) {
    await requestEnrollment(channel, identity);
    return { kind: 'waiting', for: 'enrollment' };
  }
  agent.markEnrolled(trust);
  if (identity.pairingSecret !== null) await forgetPairing(folder.identityFile);
  const pointer = await readPointer(channel, trust, now());
  if (pointer === null) {
    reporter.enter('enrolled', null);
    return { kind: 'waiting', for: 'release' };
  }
  const { current, failedSerial } = state.value;
  if (pointer.serial === current?.serial) {
    const askedAtMs = repairDue(agent, pointer);
    if (askedAtMs !== null) {
      await repair(agent, trust, pointer, askedAtMs);
      drift.forget();
    }
    reporter.enter('active', pointer.serial);
    return { kind: 'unchanged', serial: pointer.serial };
  }
  if (pointer.serial === failedSerial) {
    reporter.enter('rolled_back', pointer.serial);
    return { kind: 'rolled_back', failedSerial, serial: current?.serial ?? null, error: null };
  }
  const outcome = await install(agent, trust, pointer);
  // A tree that was kept may have been taken by its record alone: its bytes are read now, beside what it runs.
  if (outcome.kind === 'activated') drift.forget();
  return outcome;
}

/** A look that ends in a decision: what was superseded while it was fetched is no such end. */
async function lookUntilNewest(agent: OpenAgent, drift: DriftWatch): Promise<AgentOutcome> {
  for (;;) {
    try {
      return await look(agent, drift);
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== 'agent.superseded') throw error;
      agent.options.logger.info('agent.superseded', { reason: error.message });
    }
  }
}

/** An agent for one machine, repository and channel. Does nothing before `start` or `runOnce`. */
export function createAgent(options: AgentOptions): Agent {
  const { logger } = options;
  const listeners = new Set<(report: MachineReport) => void>();
  const stopping = new AbortController();
  const { signal } = stopping;
  let opening: Promise<OpenAgent> | null = null;
  let looking: Promise<AgentOutcome> | null = null;
  let following: Promise<void> | null = null;
  let drift: DriftWatch | null = null;

  function opened(): Promise<OpenAgent> {
    opening ??= openAgent(options, signal, report => {
      for (const listener of listeners) listener(report);
    }).catch((error: unknown) => {
      opening = null;
      throw error;
    });
    return opening;
  }

  async function lookSafely(): Promise<AgentOutcome> {
    const agent = await opened();
    drift ??= createDriftWatch(agent);
    await agent.thrift.look();
    try {
      return await lookUntilNewest(agent, drift);
    } catch (error) {
      if (signal.aborted || !(error instanceof DomainError)) throw error;
      logger.warn('agent.look_failed', { code: error.code, reason: error.message });
      agent.reporter.set({ phase: 'failed', progress: null, message: error.message });
      return { kind: 'failed', error: error.toView() };
    } finally {
      if (!signal.aborted) await drift.look();
      await agent.reporter.flush();
    }
  }

  function runOnce(): Promise<AgentOutcome> {
    if (signal.aborted) return Promise.reject(new DomainError('conflict', 'The agent was stopped. Start a new one.'));
    looking ??= lookSafely().finally(() => {
      looking = null;
    });
    return looking;
  }

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      try {
        await runOnce();
      } catch (error) {
        if (!signal.aborted) logger.error('agent.look_broke', { error });
      }
      await delay(options.pollIntervalMs, undefined, { signal }).catch(() => undefined);
    }
  }

  return {
    runOnce,
    async start() {
      if (signal.aborted) return;
      await opened();
      following ??= follow();
    },
    async stop() {
      stopping.abort();
      await following;
      await looking?.catch(() => undefined);
      await drift?.settle();
      const agent = await opening?.catch(() => null);
      await agent?.close();
      await options.swarm?.stop();
    },
    onReport(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
