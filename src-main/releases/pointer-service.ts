/** Owns the pointers in the stores: made from a release, written where the serial grows, renewed before they expire. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { activationSchema, type Migration, migrationSchema } from '../contract/activation.ts';
import { type Pack, type Pointer, packSchema, platformSchema, storeKeys } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { healthCheckSchema } from '../contract/plan.ts';
import { rolloutSchema } from '../contract/rollout.ts';
import { findBuild, listDeltaPacks } from '../database/builds.ts';
import { fromJson } from '../database/json-column.ts';
import { listMachines } from '../database/machines.ts';
import type { Db } from '../database/open-database.ts';
import { type ChannelRecord, findRelease, type ReleaseRecord } from '../database/releases.ts';
import type { Clock } from '../domain/clock.ts';
import { allowedNow } from '../domain/rollout.ts';
import type { Signer } from '../secrets/signing-keys.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { signPointer, verifyPointer } from './pointer-document.ts';
import { maxDocumentBytes } from './signed-document.ts';
import type { TrustService } from './trust-service.ts';

/** A machine makes no change on a pointer older than this. Source: the design's "Releases and trust". */
export const pointerLifetimeMs = 30 * 24 * 60 * 60 * 1000;
/** Renewed well before, while an engine runs. */
const renewAfterMs = 24 * 60 * 60 * 1000;

/** What a build brings for the database; null for nothing. */
export function migrationsOf(build: { readonly migrations: string | null }): Migration[] | undefined {
  return fromJson(z.array(migrationSchema), build.migrations) ?? undefined;
}

/** Which machines may take the release now; undefined for all. */
export function rolloutOf({ rollout }: Pick<ReleaseRecord, 'rollout'>): Pointer['rollout'] {
  const value = fromJson(rolloutSchema, rollout);
  return value === null || value.state === 'done' ? undefined : { machines: allowedNow(value) };
}

export interface StoredPointer {
  readonly pointer: Pointer;
  readonly bytes: Uint8Array;
  readonly version: string;
}

export interface PointerService {
  /** What a store holds for a channel, if it is ours; null when there is none. An expired one counts. */
  read(store: BlobStore, channel: ChannelRecord): Promise<StoredPointer | null>;
  /** The pointer that a release makes. */
  compose(channel: ChannelRecord, release: ReleaseRecord): Promise<Pointer>;
  /**
   * Writes a pointer under the version that was read before, and returns the new version. Throws `release.serial_taken` when another
   * writer was faster.
   */
  write(store: BlobStore, channel: ChannelRecord, pointer: Pointer, ifVersion: string | null): Promise<string>;
  /** Whether a store's pointer should be written anew: it is behind, or it grows old. */
  isDue(stored: StoredPointer | null, release: ReleaseRecord, repairs: Pointer['repairs']): boolean;
  /** What a person asked to be repaired on the channel; undefined for nothing. */
  repairs(channel: ChannelRecord): Promise<Pointer['repairs']>;
}

export function createPointerService(options: {
  readonly db: Db;
  readonly trust: TrustService;
  readonly releaseKey: Signer;
  readonly clock: Clock;
}): PointerService {
  const { db, trust, releaseKey, clock } = options;

  async function repairs({ repositoryId, name }: ChannelRecord): Promise<Pointer['repairs']> {
    const asked = (await listMachines(db, repositoryId)).flatMap(({ id, channel, repairRequestedAt }) =>
      channel === name && repairRequestedAt !== null ? [{ machineId: id, requestedAtMs: repairRequestedAt }] : [],
    );
    return asked.length === 0 ? undefined : asked;
  }

  return {
    async read(store, channel) {
      const found = await store.read(storeKeys.pointer(channel.repositoryId, channel.name), maxDocumentBytes);
      if (!found) return null;
      const pointer = verifyPointer(found.bytes, {
        trust: trust.current,
        repositoryId: channel.repositoryId,
        channel: channel.name,
        minSerial: 0,
        // Expiry is the machines' rule; here an old pointer is still the one to follow.
        nowMs: 0,
      });
      return { pointer, bytes: found.bytes, version: found.version };
    },

    async compose(channel, release) {
      const build = await findBuild(db, release.buildId);
      if (!build) throw new DomainError('not_found', `Build ${release.buildId} is gone.`, { buildId: release.buildId });
      const previous = release.previousId ? await findRelease(db, release.previousId) : null;
      const previousBuild = previous ? await findBuild(db, previous.buildId) : null;
      const pack: Pack = {
        digest: build.packDigest,
        kind: 'full',
        artifactId: build.artifactId,
        baseArtifactId: null,
        sizeBytes: build.sizeBytes,
        infoHash: build.infoHash,
      };
      // As a pointer tells a pack: what only the database keeps of it is left out.
      const deltas = (await listDeltaPacks(db, build.artifactId)).map(delta => packSchema.parse(delta));
      const now = clock();
      return {
        type: 'slipway.pointer/v1',
        repositoryId: channel.repositoryId,
        channel: channel.name,
        serial: release.serial,
        releaseId: release.id,
        buildId: build.id,
        revision: build.revision,
        artifactId: build.artifactId,
        platform: platformSchema.parse(JSON.parse(build.platform)),
        packs: [pack, ...deltas],
        // Left out, not null: a pointer without values is then the same as before there were any.
        environmentVersion: release.environmentVersion ?? undefined,
        environmentDigest: release.environmentDigest,
        previous: previous && previousBuild ? { serial: previous.serial, artifactId: previousBuild.artifactId } : null,
        start: build.start,
        health: fromJson(healthCheckSchema, build.health),
        activation: fromJson(activationSchema, build.activation) ?? undefined,
        // What is gone back to ran before: its migrations were run then, and nothing undoes the later ones.
        migrations: release.migration === null ? undefined : migrationsOf(build),
        rollout: rolloutOf(release),
        repairs: await repairs(channel),
        issuedAtMs: now,
        expiresAtMs: now + pointerLifetimeMs,
      };
    },

    async write(store, channel, pointer, ifVersion) {
      const key = storeKeys.pointer(channel.repositoryId, channel.name);
      try {
        const bytes = signPointer(pointer, releaseKey);
        return (await store.put(key, { kind: 'bytes', bytes }, { ifVersion })).version;
      } catch (error) {
        if (!(error instanceof DomainError) || error.code !== 'store.precondition_failed') throw error;
        throw new DomainError(
          'release.serial_taken',
          `Another control center released to ${channel.name} at the same moment. Look at what it released, then try again.`,
          { channel: channel.name, serial: pointer.serial },
        );
      }
    },

    repairs,

    isDue(stored, release, wanted) {
      if (!stored) return true;
      if (stored.pointer.serial !== release.serial) return stored.pointer.serial < release.serial;
      if (stored.pointer.environmentDigest !== release.environmentDigest) return true;
      if (!isDeepStrictEqual(stored.pointer.rollout, rolloutOf(release))) return true;
      if (!isDeepStrictEqual(stored.pointer.repairs, wanted)) return true;
      return clock() - stored.pointer.issuedAtMs > renewAfterMs;
    },
  };
}
