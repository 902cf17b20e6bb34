/** Owns what a machine says about itself: one report, signed, written to every store that can be written. */
import { networkInterfaces } from 'node:os';
import { type MachinePhase, type MachineReport, storeKeys } from '../contract/documents.ts';
import { messageOf } from '../contract/errors.ts';
import { signReport } from '../releases/machine-report.ts';
import { hostPlatform } from '../releases/platform.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { AgentIdentity } from './agent-identity.ts';
import type { StateFile } from './agent-state.ts';

/** Of progress alone; a change of phase goes out at once. */
const progressIntervalMs = 1_000;
/** A store that takes longer is left behind until the next report. */
const writeTimeoutMs = 10_000;
/** So many reports per write of the state file; the rest of a block is skipped after a restart. */
const sequenceBlock = 1_000;
const maxTimeline = 64;
const maxPeers = 16;

export type ReportChanges = Partial<
  Pick<MachineReport, 'phase' | 'progress' | 'targetSerial' | 'health' | 'message' | 'bytes' | 'drift'>
>;

export interface Reporter {
  /** Changes what is reported. A new `targetSerial` begins a new timeline. Goes out by itself, progress at most once a second. */
  set(changes: ReportChanges): void;
  /** Says that a phase holds, where another was reported, such as a failure that is over. */
  enter(phase: MachinePhase, targetSerial: number | null): void;
  /** Reports once more, changed or not. */
  beat(): void;
  /** Every report made so far is in the stores, or has failed to get there. */
  flush(): Promise<void>;
  onReport(listener: (report: MachineReport) => void): () => void;
}

/** The addresses at which this machine can be reached when it listens at `listenHost`. */
function addressesOf(listenHost: string): readonly string[] {
  if (listenHost !== '0.0.0.0' && listenHost !== '::') return [listenHost];
  const all = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? []);
  const reachable = all.filter(address => !address.internal && !address.address.startsWith('fe80:'));
  return reachable.filter(address => listenHost === '::' || address.family === 'IPv4').map(address => address.address);
}

export function createReporter(options: {
  readonly stores: readonly BlobStore[];
  readonly repositoryId: string;
  readonly channel: string;
  readonly name: string;
  readonly region: string | null;
  readonly agentVersion: string;
  readonly listenHost: string;
  readonly identity: AgentIdentity;
  readonly state: StateFile;
  /** Whether this machine is enrolled: nothing is written before. */
  readonly isKnown: () => boolean;
  /** Of the swarm; null while it does not listen. */
  readonly port: () => number | null;
  /** Info hashes of the packs that this machine gives to others now. */
  readonly seeding: () => readonly string[];
  readonly now: () => number;
  readonly logger: Logger;
}): Reporter {
  const { stores, identity, state, now, logger } = options;
  const listeners = new Set<(report: MachineReport) => void>();
  const current = state.value.current;
  let facts: Required<ReportChanges> = {
    phase: current === null ? 'enrolled' : 'active',
    progress: null,
    targetSerial: current?.serial ?? null,
    health: 'unknown',
    message: null,
    drift: null,
    bytes: { peers: 0, region: 0, reuse: 0 },
  };
  let timeline: { phase: MachinePhase; atMs: number }[] = [{ phase: facts.phase, atMs: now() }];
  let nextSequence = state.value.reservedSequence + 1;
  let lastWriteMs = Number.NEGATIVE_INFINITY;
  let pending: NodeJS.Timeout | null = null;
  let writing: Promise<void> | null = null;
  let again = false;
  let hasReported = false;

  async function takeSequence(): Promise<number> {
    if (nextSequence > state.value.reservedSequence) {
      await state.update({ reservedSequence: nextSequence + sequenceBlock });
    }
    return nextSequence++;
  }

  function build(sequence: number): MachineReport {
    const { current: installed, kept, evidenceSerial, repairedAtMs } = state.value;
    const port = options.port();
    return {
      type: 'slipway.report/v1',
      machineId: identity.machineId,
      repositoryId: options.repositoryId,
      channel: options.channel,
      sequence,
      name: options.name,
      region: options.region,
      agentVersion: options.agentVersion,
      platform: hostPlatform(),
      peers:
        port === null
          ? []
          : addressesOf(options.listenHost)
              .slice(0, maxPeers)
              .map(host => ({ host, port })),
      seeding: port === null ? [] : options.seeding().slice(0, 64),
      serial: installed?.serial ?? null,
      artifactId: installed?.artifactId ?? null,
      releaseId: installed?.releaseId ?? null,
      ...facts,
      timeline: [...timeline],
      kept: kept.slice(0, 256),
      environmentNames: installed?.environmentNames.slice(0, 256) ?? [],
      evidenceSerial,
      repairedAtMs,
      reportedAtMs: now(),
    };
  }

  async function writeOnce(): Promise<void> {
    if (!options.isKnown()) return;
    hasReported = true;
    const report = build(await takeSequence());
    for (const listener of listeners) listener(report);
    const bytes = signReport(report, identity.signer);
    const key = storeKeys.report(options.repositoryId, identity.machineId);
    await Promise.all(
      stores.map(store =>
        store
          .put(key, { kind: 'bytes', bytes }, { signal: AbortSignal.timeout(writeTimeoutMs) })
          .catch((error: unknown) =>
            logger.warn('agent.report_not_written', { store: store.url, reason: messageOf(error) }),
          ),
      ),
    );
  }

  function write(): void {
    if (pending !== null) clearTimeout(pending);
    pending = null;
    again = true;
    if (writing !== null) return;
    writing = (async () => {
      while (again) {
        again = false;
        lastWriteMs = performance.now();
        await writeOnce();
      }
    })()
      .catch((error: unknown) => logger.error('agent.report_failed', { error }))
      .finally(() => {
        writing = null;
        if (again) write();
      });
  }

  function set(changes: ReportChanges): void {
    const isNewTarget = changes.targetSerial !== undefined && changes.targetSerial !== facts.targetSerial;
    const isNewPhase = changes.phase !== undefined && changes.phase !== facts.phase;
    const before = JSON.stringify(facts);
    facts = { ...facts, ...changes };
    if (JSON.stringify(facts) === before) return;
    if (isNewTarget) timeline = [];
    if (isNewTarget || isNewPhase) timeline = [...timeline, { phase: facts.phase, atMs: now() }].slice(-maxTimeline);
    const isProgressOnly =
      !isNewPhase &&
      !isNewTarget &&
      changes.health === undefined &&
      changes.message === undefined &&
      changes.drift === undefined;
    const waitMs = lastWriteMs + progressIntervalMs - performance.now();
    if (!isProgressOnly || waitMs <= 0) write();
    else pending ??= setTimeout(write, waitMs).unref();
  }

  return {
    set,
    enter(phase, targetSerial) {
      if (facts.phase !== phase || facts.targetSerial !== targetSerial)
        set({ phase, targetSerial, progress: null, message: null });
      else if (!hasReported) write();
    },
    beat: write,
    async flush() {
      if (pending !== null) write();
      while (writing !== null) await writing;
    },
    onReport(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
