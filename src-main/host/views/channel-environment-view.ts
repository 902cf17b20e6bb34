/** Owns how a channel's values are shown: names, values of variables, what the next release changes; never the value of a secret. */

import type { ChannelEnvironmentView } from '../../contract/environment.ts';
import { listChannelValues } from '../../database/channel-environment.ts';
import { listMachines } from '../../database/machines.ts';
import { findRelease } from '../../database/releases.ts';
import type { Engine } from '../../engine.ts';

/** Throws `not_found` for the channel. */
export async function channelEnvironmentView(
  engine: Engine,
  request: { readonly repositoryId: string; readonly channel: string },
): Promise<ChannelEnvironmentView> {
  const { db } = engine;
  const channel = await engine.releases.channel(request.repositoryId, request.channel);
  const current = channel.currentReleaseId ? await findRelease(db, channel.currentReleaseId) : null;
  const next = await engine.environments.next(channel, current);
  const machines = await listMachines(db, channel.repositoryId);
  return {
    channel: channel.name,
    version: current?.environmentVersion ?? null,
    nextVersion: next.version,
    changed: next.changes,
    machines: machines.filter(machine => machine.channel === channel.name && machine.enrolledAt !== null).length,
    values: (await listChannelValues(db, channel.id)).map(({ name, isSecret, value, setAt }) =>
      isSecret === 1
        ? { name, kind: 'secret', value: null, setAtMs: setAt }
        : { name, kind: 'variable', value, setAtMs: setAt },
    ),
  };
}
