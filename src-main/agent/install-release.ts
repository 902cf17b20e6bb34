/** Owns taking one release from its pointer to running: environment, tree, switch, and what is no longer needed. */
import { type BytesBySource, type Pack, type Pointer, storeKeys, type Trust } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import { maxEnvironmentBytes, openEnvironment } from '../releases/environment.ts';
import { activate } from './activate.ts';
import { type Installed, installedFrom } from './agent-state.ts';
import { type FetchedRelease, fetchRelease } from './fetch-release.ts';
import { findPeers } from './find-peers.ts';
import { removeUnneeded } from './keep-releases.ts';
import { migrate } from './migrate.ts';
import type { OpenAgent, Prepared } from './open-agent.ts';
import { readFromStores } from './read-from-stores.ts';
import { activationOf } from './run-release.ts';
import {
  environmentValues,
  readEnvironmentFile,
  serviceEnvironment,
  writeEnvironmentFile,
} from './service-environment.ts';
import { linkShared } from './shared-paths.ts';
import { whileNewest } from './while-newest.ts';

/** Brings the channel's values here; returns their names. Throws `release.environment_pending`, `store.*`, `secret.key_unreadable`. */
async function prepareEnvironment({ options, folder, identity }: OpenAgent, pointer: Pointer): Promise<string[]> {
  const { environmentDigest: digest, environmentVersion: version, channel, repositoryId } = pointer;
  if (digest === null) {
    if (version === undefined) return [];
    // Started without its values it would be another program than the one that was released.
    throw new DomainError(
      'release.environment_pending',
      `Release ${pointer.serial} runs with environment ${version} of ${channel}, which is not encrypted to this machine yet. The control center does so as soon as it sees the machine; it is tried again.`,
      { serial: pointer.serial, version },
    );
  }
  const path = folder.environment(digest);
  const known = await readEnvironmentFile(path);
  if (known !== null) return Object.keys(known);
  const values = await readFromStores({
    stores: options.stores,
    key: storeKeys.environment(repositoryId, channel, digest),
    maxBytes: maxEnvironmentBytes,
    accept: bytes => openEnvironment(bytes, identity.ageIdentity, digest),
    logger: options.logger,
  });
  await writeEnvironmentFile(path, values);
  return Object.keys(values);
}

/** The pack that every machine can use. Throws `artifact.malformed`. */
function fullPackOf({ packs, serial }: Pointer): Pack {
  const full = packs.find(pack => pack.kind === 'full');
  if (full !== undefined) return full;
  throw new DomainError('artifact.malformed', `Release ${serial} names no full pack. Release again.`);
}

/** `running` is the artifact whose tree is used as it is; null reads every file of what lies here. */
export async function bringHere(
  agent: OpenAgent,
  trust: Trust,
  pointer: Pointer,
  running: string | null,
  signal: AbortSignal,
): Promise<FetchedRelease> {
  const { options, folder, identity, reporter, guard, seeding, thrift, announcer, announced, now } = agent;
  const { stores, swarm, repositoryId, region, logger } = options;
  const { machineId } = identity;
  return fetchRelease({
    folder,
    stores,
    swarm,
    givesNothing: thrift.holds,
    guard,
    fetching: thrift.fetching,
    runningArtifactId: running,
    readsAll: running === null,
    shared: pointer.activation?.shared ?? [],
    pack: fullPackOf(pointer),
    deltas: pointer.packs.filter(pack => pack.kind === 'delta'),
    linkFiles: options.linkFiles ?? false,
    onPack: pack => {
      seeding.fetching = pack;
      seeding.infoHashes.set(pack.digest, pack.infoHash);
      announcer?.look();
    },
    findPeers: async ({ infoHash }) => [
      ...(await findPeers({ stores, trust, repositoryId, infoHash, region, machineId, nowMs: now(), logger })),
      ...(announced.get(infoHash) ?? []),
    ],
    onProgress: changes => reporter.set(changes),
    signal,
    logger,
  });
}

/** What was prepared for this very release; null where that is still to be done. */
function preparedFor({ prepared }: OpenAgent, { releaseId, environmentDigest }: Pointer): Prepared | null {
  const isSame = prepared?.target.releaseId === releaseId && prepared.target.environmentDigest === environmentDigest;
  return isSame ? prepared : null;
}

/**
 * Brings what the release needs here. Changes nothing that runs, or that outlives releases. Throws `store.*`, `artifact.*`,
 * `agent.disk_full`, `release.*`, `agent.superseded`.
 */
async function prepare(agent: OpenAgent, trust: Trust, pointer: Pointer): Promise<Prepared> {
  const { reporter, seeding } = agent;
  reporter.set({
    targetSerial: pointer.serial,
    phase: 'fetching',
    progress: 0,
    message: null,
    bytes: { peers: 0, region: 0, reuse: 0 },
  });
  try {
    const environmentNames = await prepareEnvironment(agent, pointer);
    const running = agent.state.value.current?.artifactId ?? null;
    const { bytes, pack } = await whileNewest(agent, trust, pointer, signal =>
      bringHere(agent, trust, pointer, running, signal),
    );
    const prepared = { target: installedFrom(pointer, pack, environmentNames), bytes };
    agent.prepared = prepared;
    return prepared;
  } finally {
    seeding.fetching = null;
    agent.announced.clear();
  }
}

/**
 * Removes what neither a release that is kept nor the one that was prepared needs. What cannot be removed waits for the next time: it is
 * no reason to stop.
 */
async function tidy({ options, folder, state, seeding, prepared }: OpenAgent): Promise<void> {
  try {
    await removeUnneeded(folder, state, prepared?.target ?? null, options.linkFiles ?? false, digest => {
      const infoHash = seeding.infoHashes.get(digest);
      if (infoHash !== undefined) options.swarm?.unseed(infoHash);
      seeding.infoHashes.delete(digest);
    });
  } catch (error) {
    options.logger.warn('agent.not_removed', { reason: messageOf(error) });
  }
}

/**
 * Brings here, and gives to others, what the pointer names, before this machine may switch to it. Does so once in the life of this process
 * for each release. Throws what `prepare` throws.
 */
export async function prefetchRelease(agent: OpenAgent, trust: Trust, pointer: Pointer): Promise<void> {
  if (preparedFor(agent, pointer) !== null) return;
  const prepared = await prepare(agent, trust, pointer);
  agent.prepared = { ...prepared, hasWaited: true };
  await tidy(agent);
}

/** What a release that waited for its turn had long ago may be another now: its tree is looked at again, and mended. */
async function readyToSwitch(agent: OpenAgent, trust: Trust, pointer: Pointer): Promise<Prepared> {
  const earlier = preparedFor(agent, pointer);
  if (earlier !== null && earlier.hasWaited !== true) return earlier;
  const prepared = await prepare(agent, trust, pointer);
  const isWhole = prepared.bytes.peers + prepared.bytes.region === 0;
  if (earlier === null || !isWhole) return prepared;
  agent.prepared = { ...prepared, bytes: earlier.bytes };
  return agent.prepared;
}

/** Whether the database is as the release needs it; false while another machine brings it there. Throws what `migrate` throws. */
async function migrateFor(agent: OpenAgent, trust: Trust, pointer: Pointer, target: Installed): Promise<boolean> {
  if (pointer.migrations === undefined) return true;
  const { folder } = agent;
  const values = await environmentValues(folder, target);
  return migrate(agent, trust, pointer, {
    cwd: folder.release(target.artifactId),
    env: serviceEnvironment(values, target),
    release: target,
    values,
  });
}

/**
 * Installs and activates the release that `pointer` names; returns where its bytes came from, or null while another machine runs its
 * migrations. On failure what ran before runs. Throws what fetching (`store.*`, `artifact.*`, `agent.disk_full`), migrating
 * (`agent.migration_*`) and activation (`agent.*`, `data.*`) throw.
 */
export async function installRelease(agent: OpenAgent, trust: Trust, pointer: Pointer): Promise<BytesBySource | null> {
  const { options, folder, reporter } = agent;
  const { userVariables = null, logger } = options;
  const { target, bytes } = await readyToSwitch(agent, trust, pointer);
  await linkShared(folder, target.artifactId, activationOf(target).shared);
  if (!(await migrateFor(agent, trust, pointer, target))) {
    reporter.set({ phase: 'waiting', progress: null, message: 'Another machine runs the migrations of this release.' });
    return null;
  }
  await activate({ ...agent, userVariables, logger }, target, bytes);
  agent.prepared = null;
  await tidy(agent);
  return bytes;
}
