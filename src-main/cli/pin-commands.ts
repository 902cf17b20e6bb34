/** Owns `slipway artifact pin` and `unpin`: which builds a person keeps, whatever the rule of retention says. */
import type { Command } from 'commander';
import { idSchema } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { callEngine, type EngineClient, type EngineOptions, findJob } from './engine-client.ts';
import { type OutputOptions, plain, print } from './output.ts';

type Options = EngineOptions & OutputOptions;

/** As many as the engine lists at once. */
const searchedBuilds = 200;

/** The id of a build or of its job, for a job's number, such an id, or the beginning of an artifact's. Throws `not_found`, `conflict`. */
async function findBuildId(client: EngineClient, named: string): Promise<string> {
  if (idSchema.safeParse(named).success) return named;
  if (!/^[0-9a-f]{8,64}$/i.test(named)) return (await findJob(client, named)).id;
  const builds = await client.builds.list({ limit: searchedBuilds });
  const found = builds.filter(build => build.artifactId.startsWith(named.toLowerCase()));
  const [newest] = found;
  if (newest === undefined) {
    throw new DomainError(
      'not_found',
      `None of the newest ${searchedBuilds} builds has an artifact that begins with ${plain(named)}. Give the number of its job.`,
      { named },
    );
  }
  if (found.some(build => build.artifactId !== newest.artifactId))
    throw new DomainError('conflict', `Several artifacts begin with ${plain(named)}: give more digits.`, { named });
  return newest.id;
}

export function addPinCommands(artifact: Command): void {
  const verbs = [
    ['pin', 'keep the pack of a build until it is unpinned', true],
    ['unpin', 'leave the pack of a build to the rule of retention', false],
  ] as const;
  for (const [verb, description, pinned] of verbs) {
    artifact
      .command(`${verb} <job-or-artifact-id>`)
      .description(description)
      .action(async (named: string, _options: unknown, command: Command) => {
        const options = command.optsWithGlobals<Options>();
        const result = await callEngine(options, async client =>
          client.builds.pin({ id: await findBuildId(client, named), pinned }),
        );
        print(result, options, pinned ? `Build ${result.id} is pinned.` : `Build ${result.id} is not pinned.`);
      });
  }
}
