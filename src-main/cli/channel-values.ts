/** Owns what `slipway env` and `slipway secret` do with `--channel`: the values that releases on a channel run with. */
import type { EngineClient } from './engine-client.ts';
import { type OutputOptions, plain, print, table } from './output.ts';

type Kind = 'variable' | 'secret';
interface Repository {
  readonly id: string;
  readonly name: string;
}

const done = { done: true } as const;

/** How a change goes live: by a release, if only of the build that runs. */
async function howToRelease(client: EngineClient, { id, name }: Repository, channel: string): Promise<string> {
  const { changed, nextVersion } = await client.channelEnvironment.get({ repositoryId: id, channel });
  if (!changed || nextVersion === null) return '';
  const releases = await client.releases.list({ repositoryId: id, channel });
  const current = releases.find(release => release.current);
  if (!current) return ` The first release on ${channel} takes it.`;
  const command = `slipway release promote ${name} --channel ${channel} --build ${current.buildId}`;
  return ` It goes live as environment ${nextVersion} with the next release; for the same build now:\n  ${plain(command)}`;
}

/** Sets all of them, and says how they go live. Throws `not_found`, `conflict`, `input.invalid`. */
export async function setOnChannel(
  client: EngineClient,
  repository: Repository,
  channel: string,
  kind: Kind,
  read: () => Promise<readonly { readonly name: string; readonly value: string }[]>,
  options: OutputOptions,
): Promise<void> {
  const place = { repositoryId: repository.id, channel };
  // A wrong channel is said before a value is asked for.
  await client.channelEnvironment.get(place);
  const values = await read();
  for (const value of values) {
    if (kind === 'secret') await client.channelEnvironment.setSecret({ ...place, ...value });
    else await client.channelEnvironment.setVariable({ ...place, ...value });
  }
  const names = values.map(({ name }) => name).join(', ');
  const how = await howToRelease(client, repository, channel);
  print(done, options, `${names} set on channel ${channel} of ${plain(repository.name)}.${how}`);
}

export async function listOfChannel(
  client: EngineClient,
  repository: Repository,
  channel: string,
  kind: Kind,
  options: OutputOptions,
): Promise<void> {
  const view = await client.channelEnvironment.get({ repositoryId: repository.id, channel });
  const values = view.values.filter(value => value.kind === kind);
  const lines = values.map(({ name, value, setAtMs }) => [
    name,
    `channel ${channel}`,
    new Date(setAtMs).toISOString().slice(0, 19),
    ...(value === null ? [] : [value]),
  ]);
  const header = ['NAME', 'SET BY', 'SET', ...(kind === 'secret' ? [] : ['VALUE'])];
  print(values, options, table(header, lines));
}

export async function removeFromChannel(
  client: EngineClient,
  repository: Repository,
  channel: string,
  kind: Kind,
  name: string,
  options: OutputOptions,
): Promise<void> {
  const request = { repositoryId: repository.id, channel, name };
  if (kind === 'secret') await client.channelEnvironment.removeSecret(request);
  else await client.channelEnvironment.removeVariable(request);
  const how = await howToRelease(client, repository, channel);
  print(done, options, `${name} of channel ${channel} of ${plain(repository.name)} is removed.${how}`);
}
