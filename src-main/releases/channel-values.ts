/** Owns the values that a person sets for a channel: who may set what, and encryption at rest. Not how releases carry them. */
import { DomainError } from '../contract/errors.ts';
import {
  type ChannelValueRecord,
  deleteChannelValue,
  listChannelValues,
  putChannelValue,
} from '../database/channel-environment.ts';
import { appendEvent } from '../database/events.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { type ChannelRecord, findChannel, listChannels, updateChannel } from '../database/releases.ts';
import type { Clock } from '../domain/clock.ts';
import { openSealed, seal } from '../secrets/seal.ts';

export type ChannelValueKind = 'variable' | 'secret';

interface Named {
  readonly repositoryId: string;
  readonly channel: string;
  readonly name: string;
}

export interface ChannelValues {
  /** Replaces an old value. Throws `not_found` for the channel, `conflict` where the other kind has the name or it is too much. */
  set(kind: ChannelValueKind, request: Named & { readonly value: string }): Promise<void>;
  /** Throws `not_found`. */
  remove(kind: ChannelValueKind, request: Named): Promise<void>;
}

/** More than these are no longer an environment. */
const maxNames = 200;
/** Together, in UTF-8. Linux takes a quarter of the stack, 2 MiB by default, for arguments and environment. Source: execve(2). */
const maxAllBytes = 512 * 1024;

/** What a sealed value is bound to: on another channel, or under another name, it does not open. */
const sealName = (channelId: string, name: string) => `slipway/channel-secret/${channelId}/${name}`;

const kindOf = ({ isSecret }: ChannelValueRecord): ChannelValueKind => (isSecret === 1 ? 'secret' : 'variable');

/** Throws `not_found` with the channels that there are. */
export async function mustFindChannel(db: Db, repositoryId: string, name: string): Promise<ChannelRecord> {
  const channel = await findChannel(db, repositoryId, name);
  const known = await listChannels(db, repositoryId);
  if (channel && known.some(({ id }) => id === channel.id)) return channel;
  const names = known.map(other => other.name).join(', ') || 'none';
  throw new DomainError('not_found', `There is no channel "${name}" here. Channels of this repository: ${names}.`, {
    repositoryId,
    name,
  });
}

/** The values of these rows in plain text. Throws `secret.key_unreadable`. */
export function openChannelValues(
  masterKey: Uint8Array,
  rows: readonly ChannelValueRecord[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    rows.map(row => [
      row.name,
      row.isSecret === 1
        ? openSealed(masterKey, Buffer.from(row.value, 'base64'), sealName(row.channelId, row.name)).toString('utf8')
        : row.value,
    ]),
  );
}

export function createChannelValues(options: {
  readonly db: Db;
  readonly masterKey: Uint8Array;
  readonly clock: Clock;
  readonly onChanged: () => void;
}): ChannelValues {
  const { db, masterKey, clock } = options;

  /** One transaction: the channel is there, `work` is done, and the event tells the name, never the value. */
  async function change(
    { repositoryId, channel: channelName, name }: Named,
    work: (transaction: Db, channel: ChannelRecord, rows: readonly ChannelValueRecord[]) => Promise<void>,
  ): Promise<void> {
    await inTransaction(db, async transaction => {
      const channel = await mustFindChannel(transaction, repositoryId, channelName);
      await work(transaction, channel, await listChannelValues(transaction, channel.id));
      await updateChannel(transaction, channel.id, { valuesChanged: 1 });
      await appendEvent(transaction, {
        type: 'channel.changed',
        at: clock(),
        repositoryId,
        subjectId: channel.id,
        data: { channel: channel.name, environment: name },
      });
    });
    options.onChanged();
  }

  function assertFits(rows: readonly ChannelValueRecord[], { name, value }: { name: string; value: string }): void {
    // Without the one that is replaced: a value that no longer opens is entered again.
    const others = Object.entries(
      openChannelValues(
        masterKey,
        rows.filter(row => row.name !== name),
      ),
    );
    if (others.length >= maxNames) {
      throw new DomainError('conflict', `A channel has at most ${maxNames} values. Remove some that no release needs.`);
    }
    const allBytes = [...others, [name, value]].flat().reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    if (allBytes > maxAllBytes) {
      throw new DomainError(
        'conflict',
        `With ${name} the values of this channel have ${allBytes} bytes; ${maxAllBytes} are allowed. Put large ones into a file of the release.`,
        { name, allBytes },
      );
    }
  }

  return {
    set: (kind, request) =>
      change(request, async (transaction, channel, rows) => {
        const { name, value } = request;
        const known = rows.find(row => row.name === name);
        if (known && kindOf(known) !== kind) {
          throw new DomainError(
            'conflict',
            `Channel ${channel.name} has a ${kindOf(known)} ${name} already. Remove it first, or choose another name.`,
            { name },
          );
        }
        assertFits(rows, request);
        const sealed = () => seal(masterKey, Buffer.from(value, 'utf8'), sealName(channel.id, name)).toString('base64');
        await putChannelValue(transaction, {
          channelId: channel.id,
          name,
          isSecret: kind === 'secret' ? 1 : 0,
          value: kind === 'secret' ? sealed() : value,
          setAt: clock(),
        });
      }),
    remove: (kind, request) =>
      change(request, async (transaction, channel, rows) => {
        const { name } = request;
        if (!rows.some(row => row.name === name && kindOf(row) === kind)) {
          throw new DomainError(
            'not_found',
            `Channel ${channel.name} has no ${kind} ${name}. See "slipway ${kind === 'secret' ? kind : 'env'} list --channel ${channel.name}".`,
            { name },
          );
        }
        await deleteChannelValue(transaction, channel.id, name);
      }),
  };
}
