/** Owns the environment versions of channels: made of a channel's values at a release, kept sealed, encrypted to its machines. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { storeKeys } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import {
  findChannelEnvironment,
  findEnvironmentSeal,
  findSealFor,
  insertChannelEnvironment,
  insertEnvironmentSeal,
  listChannelValues,
  newestChannelEnvironment,
} from '../database/channel-environment.ts';
import { listMachines } from '../database/machines.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import {
  type ChannelRecord,
  findRelease,
  type ReleaseRecord,
  updateChannel,
  updateRelease,
} from '../database/releases.ts';
import type { Clock } from '../domain/clock.ts';
import { openSealed, seal } from '../secrets/seal.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { openChannelValues } from './channel-values.ts';
import { isAgeRecipient, sealEnvironment } from './environment.ts';

type Values = Readonly<Record<string, string>>;

/** What a release says of its environment. Without a machine there is a version and no digest. */
export type ReleaseEnvironment = Pick<ReleaseRecord, 'environmentVersion' | 'environmentDigest'>;

export interface ChannelEnvironments {
  /**
   * The environment of a release that is about to be made: of the channel's values as they are now, or of an earlier
   * release. Throws `release.not_kept` for a version that this control center has not, `secret.key_unreadable`.
   */
  forRelease(channel: ChannelRecord, from: ReleaseRecord | null): Promise<ReleaseEnvironment>;
  /**
   * The channel's current release, encrypted anew where machines came or went since. The version, and so the values, stay.
   * A release of another control center is given back as it is.
   */
  refresh(channel: ChannelRecord, release: ReleaseRecord): Promise<ReleaseRecord>;
  /** Whether what a release's digest names was encrypted here; another control center's is left to it. */
  isOwn(environment: ReleaseEnvironment): Promise<boolean>;
  /** Puts the encrypted values of a release into a store, before the pointer that names them. May be repeated. */
  publishTo(store: BlobStore, channel: ChannelRecord, environment: ReleaseEnvironment): Promise<void>;
  /** Whether the next release would get other values than `current` has; then the number that it gets. */
  next(
    channel: ChannelRecord,
    current: ReleaseRecord | null,
  ): Promise<{ readonly version: number | null; readonly changes: boolean }>;
}

const valuesSchema = z.record(z.string(), z.string());

const sealName = (channelId: string, version: number) => `slipway/channel-environment/${channelId}/${version}`;

export function createChannelEnvironments(options: {
  readonly db: Db;
  readonly masterKey: Uint8Array;
  readonly clock: Clock;
  readonly logger: Logger;
}): ChannelEnvironments {
  const { db, masterKey, clock, logger } = options;
  /** Encryption makes other bytes each time: one at a time, so that one version has one form for the same machines. */
  let turn: Promise<unknown> = Promise.resolve();

  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  }

  function open(channelId: string, version: number, sealedValues: string): Values {
    const plaintext = openSealed(masterKey, Buffer.from(sealedValues, 'base64'), sealName(channelId, version));
    return valuesSchema.parse(JSON.parse(plaintext.toString('utf8')));
  }

  /** The version of the values as they are: the newest one, or a new one where they changed. Null while there never were any. */
  function currentVersion(channel: ChannelRecord): Promise<number | null> {
    return inTransaction(db, async transaction => {
      const values = openChannelValues(masterKey, await listChannelValues(transaction, channel.id));
      const newest = await newestChannelEnvironment(transaction, channel.id);
      await updateChannel(transaction, channel.id, { valuesChanged: 0 });
      if (newest === null && Object.keys(values).length === 0) return null;
      if (newest !== null && isDeepStrictEqual(open(channel.id, newest.version, newest.sealedValues), values)) {
        return newest.version;
      }
      const version = (newest?.version ?? 0) + 1;
      const plaintext = Buffer.from(JSON.stringify(values), 'utf8');
      await insertChannelEnvironment(transaction, {
        channelId: channel.id,
        version,
        sealedValues: seal(masterKey, plaintext, sealName(channel.id, version)).toString('base64'),
        createdAt: clock(),
      });
      return version;
    });
  }

  async function recipientsOf({ repositoryId, name }: ChannelRecord): Promise<readonly string[]> {
    const recipients = new Set<string>();
    for (const machine of await listMachines(db, repositoryId)) {
      if (machine.channel !== name || machine.enrolledAt === null || machine.ageRecipient === null) continue;
      if (isAgeRecipient(machine.ageRecipient)) recipients.add(machine.ageRecipient);
      // One machine's key must not keep a release from all others; that machine says that it cannot open it.
      else logger.warn('environment.recipient_invalid', { machineId: machine.id });
    }
    return [...recipients].sort();
  }

  /** The digest of a version for these recipients (at least one). */
  async function digestFor(channel: ChannelRecord, version: number, recipients: readonly string[]): Promise<string> {
    const wanted = { channelId: channel.id, version, recipients: JSON.stringify(recipients) };
    const known = await findSealFor(db, wanted);
    if (known) return known.digest;
    const row = await findChannelEnvironment(db, channel.id, version);
    if (!row) {
      throw new DomainError(
        'release.not_kept',
        `The values of environment ${version} of ${channel.name} are not kept here: another control center made that release. Set the values and promote its build instead.`,
        { channel: channel.name, version },
      );
    }
    const { bytes, digest } = await sealEnvironment(open(channel.id, version, row.sealedValues), recipients);
    await insertEnvironmentSeal(db, {
      ...wanted,
      digest,
      ciphertext: bytes.toString('base64'),
      sealedAt: clock(),
    });
    return digest;
  }

  async function encrypted(channel: ChannelRecord, version: number): Promise<string | null> {
    const recipients = await recipientsOf(channel);
    if (recipients.length > 0) return digestFor(channel, version, recipients);
    return null;
  }

  async function refreshNow(channel: ChannelRecord, asked: ReleaseRecord): Promise<ReleaseRecord> {
    const release = (await findRelease(db, asked.id)) ?? asked;
    const { environmentVersion: version, environmentDigest: digest } = release;
    if (version === null || !(await findChannelEnvironment(db, channel.id, version))) return release;
    const seal = digest === null ? null : await findEnvironmentSeal(db, digest);
    if (digest !== null && (seal === null || seal.channelId !== channel.id)) return release;
    const fresh = await encrypted(channel, version);
    // Without a machine what was encrypted stays: nobody new needs it, and nobody is kept from it by taking it away.
    if (fresh === null || fresh === digest) return release;
    await updateRelease(db, release.id, { environmentDigest: fresh });
    logger.info('environment.encrypted_anew', { channel: channel.name, serial: release.serial, version });
    return { ...release, environmentDigest: fresh };
  }

  return {
    forRelease: (channel, from) =>
      inTurn(async () => {
        const version = from === null ? await currentVersion(channel) : from.environmentVersion;
        if (version === null) return { environmentVersion: null, environmentDigest: null };
        return { environmentVersion: version, environmentDigest: await encrypted(channel, version) };
      }),
    refresh: (channel, release) =>
      release.environmentVersion === null ? Promise.resolve(release) : inTurn(() => refreshNow(channel, release)),
    async isOwn({ environmentDigest: digest }) {
      return digest === null || (await findEnvironmentSeal(db, digest)) !== null;
    },
    async publishTo(store, channel, { environmentDigest: digest }) {
      if (digest === null) return;
      const key = storeKeys.environment(channel.repositoryId, channel.name, digest);
      if ((await store.head(key)) !== null) return;
      const sealed = await findEnvironmentSeal(db, digest);
      // Of another control center: it is the one that has the bytes.
      if (sealed === null) return;
      await store.put(key, { kind: 'bytes', bytes: Buffer.from(sealed.ciphertext, 'base64') }, { sha256: digest });
    },
    async next(channel, current) {
      const newest = (await newestChannelEnvironment(db, channel.id))?.version ?? null;
      const running = current?.environmentVersion ?? null;
      const isNew = channel.valuesChanged === 1;
      // Set and removed again before any release: there is nothing to make a version of.
      if (isNew && newest === null && (await listChannelValues(db, channel.id)).length === 0) {
        return { version: null, changes: running !== null };
      }
      return isNew ? { version: (newest ?? 0) + 1, changes: true } : { version: newest, changes: newest !== running };
    },
  };
}
