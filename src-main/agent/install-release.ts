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

/** `running` is the artifact whose tree is used as it is; null looks at every file. */
export async function bringHere(
  agent: OpenAgent,
  trust: Trust,
  pointer: Pointer,
  full: Pack,
  running: string | null,
): Promise<FetchedRelease> {
  const { options, folder, identity, reporter, guard, seeding, announcer, announced, now, signal } = agent;
  const { stores, swarm, repositoryId, region, logger } = options;
  const { machineId } = identity;
  return fetchRelease({
    folder,
    stores,
    swarm,
    guard,
    runningArtifactId: running,
    shared: pointer.activation?.shared ?? [],
    pack: full,
    deltas: pointer.packs.filter(pack => pack.kind === 'delta'),
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

/** Brings what the release needs here, once in the life of this process. Throws `store.*`, `artifact.*`, `agent.disk_full`, `release.*`. */
async function prepare(agent: OpenAgent, trust: Trust, pointer: Pointer): Promise<Prepared> {
  const { reporter, seeding, prepared } = agent;
  const isSame = prepared?.target.releaseId === pointer.releaseId;
  if (isSame && prepared.target.environmentDigest === pointer.environmentDigest) return prepared;
  const pack = pointer.packs.find(candidate => candidate.kind === 'full');
  if (pack === undefined) {
    throw new DomainError('artifact.malformed', `Release ${pointer.serial} names no full pack. Release again.`);
  }
  reporter.set({
    targetSerial: pointer.serial,
    phase: 'fetching',
    progress: 0,
    message: null,
    bytes: { peers: 0, region: 0, reuse: 0 },
  });
  try {
    const environmentNames = await prepareEnvironment(agent, pointer);
    const { bytes, pack: taken } = await bringHere(
      agent,
      trust,
      pointer,
      pack,
      agent.state.value.current?.artifactId ?? null,
    );
    const target = installedFrom(pointer, taken, environmentNames);
    await linkShared(agent.folder, target.artifactId, activationOf(target).shared);
    agent.prepared = { target, bytes };
    return agent.prepared;
  } finally {
    seeding.fetching = null;
    agent.announced.clear();
  }
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
  const { options, folder, state, reporter, seeding } = agent;
  const { swarm, logger } = options;
  const { target, bytes } = await prepare(agent, trust, pointer);
  if (!(await migrateFor(agent, trust, pointer, target))) {
    reporter.set({ phase: 'waiting', progress: null, message: 'Another machine runs the migrations of this release.' });
    return null;
  }
  await activate({ ...agent, userVariables: options.userVariables ?? null, logger }, target, bytes);
  agent.prepared = null;
  try {
    await removeUnneeded(folder, state, digest => {
      const infoHash = seeding.infoHashes.get(digest);
      if (infoHash !== undefined) swarm?.unseed(infoHash);
      seeding.infoHashes.delete(digest);
    });
  } catch (error) {
    // The release runs: what could not be removed waits for the next one.
    logger.warn('agent.not_removed', { reason: messageOf(error) });
  }
  return bytes;
}
