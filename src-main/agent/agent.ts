/** Owns one machine's agent: it follows a channel, brings each release here, and says what runs. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type BytesBySource,
  type MachineReport,
  type Pack,
  type Pointer,
  storeKeys,
  type Trust,
} from '../contract/documents.ts';
import { DomainError, type ErrorCode, type ErrorView, messageOf } from '../contract/errors.ts';
import type { InstanceLock } from '../database/instance-lock.ts';
import { maxEnvironmentBytes, openEnvironment } from '../releases/environment.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { SwarmClient } from '../swarm/swarm-client.ts';
import { createWebSeedGuard, type WebSeedGuard } from '../swarm/web-seed-guard.ts';
import type { Logger } from '../telemetry/logger.ts';
import { activate, settle } from './activate.ts';
import { agentFolder, openAgentFolder } from './agent-folder.ts';
import { type AgentIdentity, forgetPairing, openIdentity } from './agent-identity.ts';
import { installedFrom, openState, type StateFile } from './agent-state.ts';
import { fetchRelease } from './fetch-release.ts';
import { findPeers } from './find-peers.ts';
import { type Following, isEnrolled, readPointer, readTrust, requestEnrollment } from './follow-channel.ts';
import { removeHalfMade, removeUnneeded, seededPacks } from './keep-releases.ts';
import { readFromStores } from './read-from-stores.ts';
import { createReporter, type Reporter } from './reporter.ts';
import { seedKept } from './seed-kept.ts';
import { readEnvironmentFile, writeEnvironmentFile } from './service-environment.ts';
import { createSupervisor, type Supervisor } from './supervise.ts';

/** A control center takes a machine for lost after a few of these. */
const heartbeatMs = 30_000;

export interface AgentOptions {
  /** The first is preferred, the nearest one. */
  readonly stores: readonly BlobStore[];
  readonly repositoryId: string;
  readonly channel: string;
  /** Absolute; made where it is missing. */
  readonly root: string;
  /** The installation's root key, as 32 bytes in base64url: pinned at the first start. */
  readonly rootPublicKey: string;
  /** The pairing code; null once the machine is paired. */
  readonly pairing: string | null;
  readonly name: string;
  readonly region: string | null;
  /** Started and stopped by the agent. Null reads everything from the stores. */
  readonly swarm: SwarmClient | null;
  /** Where the swarm listens, as other machines reach it; 0.0.0.0 stands for all addresses of this machine. */
  readonly listenHost: string;
  readonly pollIntervalMs: number;
  /** Whether a release's start command is run and kept running here. Default true. */
  readonly supervise?: boolean;
  readonly agentVersion?: string;
  readonly logger: Logger;
  /** UTC milliseconds. */
  readonly now?: () => number;
}

export type AgentOutcome =
  /** Nothing to do yet: not enrolled, or nothing released. */
  | { readonly kind: 'waiting'; readonly for: 'enrollment' | 'release' }
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

interface Opened {
  readonly lock: InstanceLock;
  readonly state: StateFile;
  readonly identity: AgentIdentity;
  readonly reporter: Reporter;
  readonly supervisor: Supervisor | null;
  readonly guard: WebSeedGuard | null;
  readonly heartbeat: NodeJS.Timeout;
}

/** What will not come up by being tried again: another serial must come first. */
const giveUpCodes: ReadonlySet<ErrorCode> = new Set([
  'agent.health_failed',
  'agent.start_failed',
  'artifact.malformed',
  'artifact.unsafe_path',
]);

/** An agent for one machine, repository and channel. Does nothing before `start` or `runOnce`. */
export function createAgent(options: AgentOptions): Agent {
  const { stores, repositoryId, swarm, region, logger } = options;
  const now = options.now ?? Date.now;
  const folder = agentFolder(options.root);
  const listeners = new Set<(report: MachineReport) => void>();
  const stopping = new AbortController();
  const { signal } = stopping;
  let opening: Promise<Opened> | null = null;
  let looking: Promise<AgentOutcome> | null = null;
  let following: Promise<void> | null = null;
  /** The pack that is being fetched: its pieces are given to others while they come in. */
  let fetching: Pack | null = null;
  /** Info hashes of packs that this process may seed, by digest: seeding ends before the file goes. */
  const infoHashes = new Map<string, string>();
  /** Whether anybody would believe a report. */
  let isKnown = false;

  async function open(): Promise<Opened> {
    const lock = await openAgentFolder(folder);
    try {
      const identity = await openIdentity(folder.identityFile, options.pairing);
      const state = await openState(folder.stateFile, options.rootPublicKey);
      const supervisor =
        options.supervise === false ? null : createSupervisor({ logs: folder.logs, runFile: folder.runFile, logger });
      isKnown = state.value.current !== null;
      const reporter = createReporter({
        ...options,
        agentVersion: options.agentVersion ?? '0.1.0',
        identity,
        state,
        isKnown: () => isKnown,
        port: () => swarm?.port ?? null,
        seeding: () => [
          ...(fetching === null ? [] : [fetching.infoHash]),
          ...seededPacks(state).map(pack => pack.infoHash),
        ],
        now,
      });
      reporter.onReport(report => {
        for (const listener of listeners) listener(report);
      });
      await removeHalfMade(folder);
      await settle({ folder, state, supervisor, reporter, signal, logger });
      const guard = swarm === null ? null : createWebSeedGuard({ stores, logger });
      await guard?.start();
      await startSwarm(state);
      const heartbeat = setInterval(() => reporter.beat(), heartbeatMs);
      heartbeat.unref();
      return { lock, state, identity, reporter, supervisor, guard, heartbeat };
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Without a swarm the stores serve; it is not worth more than a line in the log. */
  async function startSwarm(state: StateFile): Promise<void> {
    if (swarm === null) return;
    for (const { packDigest, infoHash } of seededPacks(state)) infoHashes.set(packDigest, infoHash);
    try {
      await swarm.start();
      await seedKept({ folder, swarm, packs: seededPacks(state), logger });
    } catch (error) {
      logger.warn('agent.swarm_not_started', { reason: messageOf(error) });
    }
  }

  function endSeeding(digest: string): void {
    const infoHash = infoHashes.get(digest);
    if (infoHash !== undefined) swarm?.unseed(infoHash);
    infoHashes.delete(digest);
  }

  async function prepareEnvironment({ identity }: Opened, pointer: Pointer): Promise<void> {
    const { environmentDigest: digest, channel } = pointer;
    if (digest === null) return;
    const path = folder.environment(digest);
    if ((await readEnvironmentFile(path)) !== null) return;
    const values = await readFromStores({
      stores,
      key: storeKeys.environment(repositoryId, channel, digest),
      maxBytes: maxEnvironmentBytes,
      accept: bytes => openEnvironment(bytes, identity.ageIdentity, digest),
      logger,
    });
    await writeEnvironmentFile(path, values);
  }

  async function install(opened: Opened, trust: Trust, pointer: Pointer): Promise<AgentOutcome> {
    const { state, identity, reporter, supervisor, guard } = opened;
    const pack = pointer.packs.find(candidate => candidate.kind === 'full');
    if (pack === undefined) {
      throw new DomainError('artifact.malformed', `Release ${pointer.serial} names no full pack. Release again.`);
    }
    reporter.set({ targetSerial: pointer.serial, phase: 'fetching', progress: 0, message: null });
    fetching = pack;
    infoHashes.set(pack.digest, pack.infoHash);
    let bytes: BytesBySource;
    try {
      await prepareEnvironment(opened, pointer);
      bytes = await fetchRelease({
        folder,
        stores,
        swarm,
        guard,
        runningArtifactId: state.value.current?.artifactId ?? null,
        pack,
        findPeers: () =>
          findPeers({
            stores,
            trust,
            repositoryId,
            infoHash: pack.infoHash,
            region,
            machineId: identity.machineId,
            nowMs: now(),
            logger,
          }),
        onProgress: ({ phase, progress, bytes: soFar }) => reporter.set({ phase, progress, bytes: soFar }),
        signal,
        logger,
      });
    } finally {
      fetching = null;
    }
    await activate({ folder, state, supervisor, reporter, signal, logger }, installedFrom(pointer, pack), bytes);
    await removeUnneeded(folder, state, endSeeding);
    return { kind: 'activated', serial: pointer.serial, artifactId: pointer.artifactId, bytes };
  }

  async function look(opened: Opened): Promise<AgentOutcome> {
    const { state, identity, reporter } = opened;
    const channel: Following = { ...options, state };
    const trust = await readTrust(channel);
    if (trust === null || !isEnrolled(trust, identity, channel)) {
      await requestEnrollment(channel, identity);
      return { kind: 'waiting', for: 'enrollment' };
    }
    isKnown = true;
    if (identity.pairingSecret !== null) await forgetPairing(folder.identityFile);
    const pointer = await readPointer(channel, trust, now());
    if (pointer === null) {
      reporter.enter('enrolled', null);
      return { kind: 'waiting', for: 'release' };
    }
    const { current, failedSerial } = state.value;
    if (pointer.serial === current?.serial) {
      reporter.enter('active', pointer.serial);
      return { kind: 'unchanged', serial: pointer.serial };
    }
    if (pointer.serial === failedSerial) {
      reporter.enter('rolled_back', pointer.serial);
      return { kind: 'rolled_back', failedSerial, serial: current?.serial ?? null, error: null };
    }
    try {
      return await install(opened, trust, pointer);
    } catch (error) {
      if (!(error instanceof DomainError) || !giveUpCodes.has(error.code) || signal.aborted) throw error;
      await state.update({ failedSerial: pointer.serial });
      reporter.set({ phase: 'rolled_back', progress: null, message: error.message });
      return {
        kind: 'rolled_back',
        failedSerial: pointer.serial,
        serial: state.value.current?.serial ?? null,
        error: error.toView(),
      };
    }
  }

  async function lookSafely(): Promise<AgentOutcome> {
    opening ??= open().catch((error: unknown) => {
      opening = null;
      throw error;
    });
    const opened = await opening;
    try {
      return await look(opened);
    } catch (error) {
      if (signal.aborted || !(error instanceof DomainError)) throw error;
      logger.warn('agent.look_failed', { code: error.code, reason: error.message });
      opened.reporter.set({ phase: 'failed', progress: null, message: error.message });
      return { kind: 'failed', error: error.toView() };
    } finally {
      await opened.reporter.flush();
    }
  }

  function runOnce(): Promise<AgentOutcome> {
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
      if (following !== null || signal.aborted) return;
      opening ??= open().catch((error: unknown) => {
        opening = null;
        throw error;
      });
      await opening;
      following ??= follow();
    },
    async stop() {
      stopping.abort();
      await following;
      await looking?.catch(() => undefined);
      const opened = await opening?.catch(() => null);
      opening = null;
      if (opened == null) return;
      clearInterval(opened.heartbeat);
      await opened.supervisor?.stop();
      await opened.reporter.flush();
      await opened.guard?.stop();
      await swarm?.stop();
      opened.lock.release();
    },
    onReport(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
