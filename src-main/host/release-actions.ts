/** Owns what a person does with channels and machines, where it is more than one call to the engine. */
import { v7 as uuidv7 } from 'uuid';
import { DomainError } from '../contract/errors.ts';
import type { RolloutRequest } from '../contract/rollout.ts';
import type { Pairing } from '../contract/views/machine.ts';
import type { ChannelPolicy, ChannelSummary } from '../contract/views/release.ts';
import { appendEvent } from '../database/events.ts';
import { findRegion } from '../database/regions.ts';
import { findChannel, insertChannel, updateChannel } from '../database/releases.ts';
import { findRepository } from '../database/repositories.ts';
import type { Engine } from '../engine.ts';
import { channelSummary } from './views/repository-views.ts';
import { takeSnapshot } from './views/snapshot.ts';

/** Creates a channel, changes its policy, holds or resumes it. */
export async function setChannel(
  engine: Engine,
  request: {
    readonly repositoryId: string;
    readonly name: string;
    readonly policy?: ChannelPolicy | undefined;
    readonly paused?: boolean | undefined;
    readonly rollout?: RolloutRequest | null | undefined;
  },
): Promise<ChannelSummary> {
  const { db } = engine;
  const { repositoryId, name, policy, paused } = request;
  const rollout = request.rollout ? JSON.stringify(request.rollout) : request.rollout;
  if (!(await findRepository(db, repositoryId))) {
    throw new DomainError('not_found', `There is no repository ${repositoryId}.`, { repositoryId });
  }
  const known = await findChannel(db, repositoryId, name);
  if (known) {
    await updateChannel(db, known.id, {
      policy: policy ?? known.policy,
      pausedReason: paused === undefined ? known.pausedReason : paused ? 'held by a person' : null,
      ...(rollout === undefined ? {} : { rollout }),
    });
  } else {
    await insertChannel(db, { id: uuidv7(), repositoryId, name, policy: policy ?? 'manual', rollout: rollout ?? null });
  }
  await appendEvent(db, {
    type: 'channel.changed',
    at: engine.clock(),
    repositoryId,
    data: { channel: name, policy: policy ?? known?.policy ?? 'manual', paused: paused ?? null },
  });
  engine.feed.nudge();
  return shownChannel(engine, repositoryId, name);
}

/** Lets nothing be released on a channel, for the reason; null frees it. Throws `not_found`. */
export async function freezeChannel(
  engine: Engine,
  request: { readonly repositoryId: string; readonly name: string; readonly reason: string | null },
): Promise<ChannelSummary> {
  const { repositoryId, name, reason } = request;
  const channel = await engine.releases.channel(repositoryId, name);
  await updateChannel(engine.db, channel.id, { frozenReason: reason });
  await appendEvent(engine.db, {
    type: 'channel.changed',
    at: engine.clock(),
    repositoryId,
    subjectId: channel.id,
    data: { channel: name, frozen: reason !== null, frozenReason: reason },
  });
  engine.feed.nudge();
  return shownChannel(engine, repositoryId, name);
}

async function shownChannel(engine: Engine, repositoryId: string, name: string): Promise<ChannelSummary> {
  const snapshot = await takeSnapshot(engine);
  const state = snapshot.channels.find(({ channel }) => channel.repositoryId === repositoryId && channel.name === name);
  if (!state) throw new DomainError('not_found', `Channel ${name} is gone.`, { repositoryId, name });
  return channelSummary(engine, snapshot, state);
}

/** Quoted for a POSIX shell: names are other people's input and end up in a command that a person pastes. */
function shellQuote(text: string): string {
  return /^[A-Za-z0-9_./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Invites a machine and writes the command that pairs it. The secret in it is shown once and works once. */
export async function pairMachine(
  engine: Engine,
  request: {
    readonly repositoryId: string;
    readonly channel: string;
    readonly name: string;
    readonly regionId?: string | undefined;
  },
): Promise<Pairing> {
  await engine.releases.channel(request.repositoryId, request.channel);
  const region = request.regionId ? await findRegion(engine.db, request.regionId) : null;
  if (request.regionId && !region) {
    throw new DomainError('not_found', `There is no region ${request.regionId}.`, { regionId: request.regionId });
  }
  const invitation = await engine.machines.invite({
    repositoryId: request.repositoryId,
    channel: request.channel,
    name: request.name,
    region: region?.name ?? null,
  });
  // The region's store first, the main store behind it, as far as the machine can reach them.
  const storeUrls = [...new Set([region?.storeUrl, engine.stores.main.url])].filter(url => url !== undefined);
  const command = [
    'slipway agent',
    ...storeUrls.map(url => `--store ${shellQuote(url)}`),
    `--repository ${request.repositoryId}`,
    `--channel ${shellQuote(request.channel)}`,
    `--name ${shellQuote(request.name)}`,
    ...(region ? [`--region ${shellQuote(region.name)}`] : []),
    `--root ${shellQuote(`/var/lib/slipway/${request.repositoryId}`)}`,
    `--key ${engine.keyring.rootPublicKey}`,
    `--pair ${invitation.secret}`,
  ].join(' ');
  return { ...invitation, command };
}
