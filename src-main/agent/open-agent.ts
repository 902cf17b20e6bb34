/** Owns an agent's parts while it runs: its folder and lock, its state, what it supervises, seeds and reports. */
import type { BytesBySource, MachineReport, Pack, Trust } from '../contract/documents.ts';
import { messageOf } from '../contract/errors.ts';
import { createLeaseWatch, type LeaseWatch } from '../releases/migration-record.ts';
import { type Announcer, createAnnouncer } from '../swarm/announcer.ts';
import type { SwarmClient } from '../swarm/swarm-client.ts';
import { createWebSeedGuard, type WebSeedGuard } from '../swarm/web-seed-guard.ts';
import { settle } from './activate.ts';
import { type AgentFolder, agentFolder, openAgentFolder } from './agent-folder.ts';
import { type AgentIdentity, openIdentity } from './agent-identity.ts';
import type { AgentOptions } from './agent-options.ts';
import { type Installed, openState, type StateFile } from './agent-state.ts';
import { createEvidenceKeeper, type EvidenceKeeper } from './evidence.ts';
import { findTrackers, type Peer } from './find-peers.ts';
import { removeHalfMade, seededPacks } from './keep-releases.ts';
import { endLeftovers } from './leftovers.ts';
import { createReporter, type Reporter } from './reporter.ts';
import { seedKept } from './seed-kept.ts';
import { createServices, type Services } from './services.ts';
import { createThrift, type Thrift } from './thrift.ts';

/** A control center takes a machine for lost after a few of these. */
const heartbeatMs = 30_000;

/** Besides a look of its own before each look at the channel: a fetch may take hours. */
const thriftLookMs = 20_000;

/** What this process seeds, or may seed. */
export interface Seeding {
  /** The pack that is being fetched: its pieces are given to others while they come in. */
  fetching: Pack | null;
  /** Info hashes by pack digest: seeding ends before the file goes. */
  readonly infoHashes: Map<string, string>;
}

/** A release that was fetched and verified by this process. */
export interface Prepared {
  readonly target: Installed;
  readonly bytes: BytesBySource;
  /** It lies here since before this machine's turn came. */
  readonly hasWaited?: true;
}

export interface OpenAgent {
  readonly options: AgentOptions;
  readonly folder: AgentFolder;
  readonly state: StateFile;
  readonly identity: AgentIdentity;
  readonly reporter: Reporter;
  readonly services: Services | null;
  readonly evidence: EvidenceKeeper;
  readonly guard: WebSeedGuard | null;
  readonly seeding: Seeding;
  readonly thrift: Thrift;
  /** Who holds the lock of a migration, as this process has seen it. */
  readonly leases: LeaseWatch;
  /** What lies here whole and waits for its turn; not read again at every look. */
  prepared: Prepared | null;
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Null where there is no swarm. */
  readonly announcer: Announcer | null;
  /** Peers that trackers named, by info hash. */
  readonly announced: Map<string, readonly Peer[]>;
  /** From now on reports and announces go out: this trust document lists the machine. */
  markEnrolled(trust: Trust): void;
  close(): Promise<void>;
}

/** Without a swarm the stores serve; it is not worth more than a line in the log. */
async function startSwarm(swarm: SwarmClient, folder: AgentFolder, state: StateFile, { logger }: AgentOptions) {
  try {
    await swarm.start();
    await seedKept({ folder, swarm, packs: seededPacks(state), logger });
  } catch (error) {
    logger.warn('agent.swarm_not_started', { reason: messageOf(error) });
  }
}

/** As many as a machine tries, of what strangers to the trust document may have made up. */
const maxAnnounced = 100;

/** Tells trackers what this machine has, and its swarm what they answer. */
function announcerOf(
  options: AgentOptions,
  parts: {
    readonly swarm: SwarmClient;
    readonly identity: AgentIdentity;
    readonly seeding: Seeding;
    readonly thrift: Thrift;
    readonly announced: Map<string, readonly Peer[]>;
    readonly now: () => number;
  },
  trusted: () => Trust | null,
): Announcer {
  const { swarm, identity, seeding, thrift, announced, now } = parts;
  const leftOf = (packDigest: string): number =>
    seeding.fetching?.digest === packDigest ? seeding.fetching.sizeBytes : 0;
  return createAnnouncer({
    signer: identity.signer,
    port: () => swarm.port,
    packs: () =>
      thrift.holds
        ? []
        : [...seeding.infoHashes].map(([digest, infoHash]) => ({ infoHash, leftBytes: leftOf(digest) })),
    trackers: async () => {
      const trust = trusted();
      if (trust === null) return [];
      return [...(options.trackers ?? []), ...(await findTrackers({ ...options, trust }))];
    },
    onPeers: (infoHash, peers) => {
      if (seeding.fetching?.infoHash !== infoHash) return;
      const known = announced.get(infoHash) ?? [];
      const fresh = peers.filter(peer => !known.some(old => old.host === peer.host && old.port === peer.port));
      announced.set(infoHash, [...known, ...fresh].slice(0, maxAnnounced));
      swarm.addPeers(infoHash, fresh.slice(0, maxAnnounced - known.length));
    },
    now,
    logger: options.logger,
  });
}

/**
 * Takes the root for this process, settles what a killed agent left, and starts what should run.
 * Throws `input.invalid`, `data.*`, `trust.*`, `secret.*`; nothing is left running then.
 */
export async function openAgent(
  options: AgentOptions,
  signal: AbortSignal,
  onReport: (report: MachineReport) => void,
): Promise<OpenAgent> {
  const { stores, swarm, logger } = options;
  const now = options.now ?? Date.now;
  const folder = agentFolder(options.root);
  const closing: (() => unknown)[] = [];
  const close = async () => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    const lock = await openAgentFolder(folder);
    closing.push(() => lock.release());
    const identity = await openIdentity(folder.identityFile, options.pairing);
    const state = await openState(folder.stateFile, options.rootPublicKey);
    const packs = seededPacks(state);
    const seeding: Seeding = {
      fetching: null,
      infoHashes: new Map(packs.map(({ packDigest, infoHash }) => [packDigest, infoHash])),
    };
    let isEnrolled = state.value.current !== null;
    let prepared: Prepared | null = null;
    const thrift = createThrift(options.thrift ?? null, holds => {
      logger.info('agent.held', { holds });
      if (swarm === null) return;
      // A download that is under way ends too, and goes on from the stores: whoever fetches from others gives to them.
      if (holds) for (const infoHash of seeding.infoHashes.values()) swarm.unseed(infoHash);
      else void seedKept({ folder, swarm, packs: seededPacks(state), logger });
      reporter.beat();
    });
    const given = () => (thrift.holds ? [] : [seeding.fetching, prepared?.target ?? null, ...seededPacks(state)]);
    const reporter = createReporter({
      ...options,
      agentVersion: options.agentVersion ?? '0.1.0',
      identity,
      state,
      isKnown: () => isEnrolled,
      port: () => swarm?.port ?? null,
      seeding: () => [...new Set(given().flatMap(pack => (pack === null ? [] : [pack.infoHash])))],
      now,
    });
    reporter.onReport(onReport);
    closing.push(() => reporter.flush());
    const services = options.supervise === false ? null : createServices(folder, logger);
    closing.push(() => services?.stop());
    const evidence = createEvidenceKeeper({ ...options, folder, identity });
    await removeHalfMade(folder);
    await endLeftovers(folder.migrationRunFile);
    const userVariables = options.userVariables ?? null;
    await settle({ folder, state, services, evidence, userVariables, reporter, now, signal, logger });
    const guard = swarm === null ? null : createWebSeedGuard({ stores, logger });
    closing.push(() => guard?.stop());
    await guard?.start();
    closing.push(() => swarm?.stop());
    if (swarm !== null) await startSwarm(swarm, folder, state, options);
    const look = () => void thrift.look().catch(error => logger.warn('agent.not_looked', { reason: messageOf(error) }));
    const thriftTimer = setInterval(look, thriftLookMs).unref();
    closing.push(() => clearInterval(thriftTimer));
    const heartbeat = setInterval(() => reporter.beat(), heartbeatMs);
    heartbeat.unref();
    closing.push(() => clearInterval(heartbeat));
    let trusted: Trust | null = null;
    const announced = new Map<string, readonly Peer[]>();
    const announcer =
      swarm === null ? null : announcerOf(options, { swarm, identity, seeding, thrift, announced, now }, () => trusted);
    closing.push(() => announcer?.stop());
    const markEnrolled = (trust: Trust) => {
      isEnrolled = true;
      trusted = trust;
      announcer?.start();
    };
    return {
      options,
      folder,
      state,
      identity,
      reporter,
      services,
      evidence,
      guard,
      seeding,
      thrift,
      announcer,
      announced,
      leases: createLeaseWatch(),
      get prepared() {
        return prepared;
      },
      set prepared(next) {
        prepared = next;
      },
      now,
      signal,
      markEnrolled,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
