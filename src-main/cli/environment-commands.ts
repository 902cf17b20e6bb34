/** Owns `slipway secret` and `slipway env`: what builds of a repository, or releases on a channel, get as environment. */
import { type Command, Option } from 'commander';
import { channelNameSchema } from '../contract/documents.ts';
import { ownNameSchema, variableNameSchema } from '../contract/environment.ts';
import { DomainError } from '../contract/errors.ts';
import { fitting } from './arguments.ts';
import { listOfChannel, removeFromChannel, setOnChannel } from './channel-values.ts';
import { callEngine, type EngineClient, type EngineOptions, findRepository } from './engine-client.ts';
import { type OutputOptions, plain, print, table } from './output.ts';
import { readSecret } from './read-secret.ts';

type Options = EngineOptions & OutputOptions & { readonly repository: string; readonly channel?: string };

const channelAdvice = 'The name of a channel has lower-case letters, digits and dashes.';
/** The same on every command: without it the values are those of builds. */
const channelOption = () =>
  new Option('--channel <name>', 'for what runs on this channel, instead of for builds').argParser(
    fitting(channelNameSchema, channelAdvice),
  );

const done = { done: true } as const;
const nameAdvice = 'A name has letters, digits and _, and does not begin with a digit or with SLIPWAY.';
const when = (atMs: number | null) => (atMs === null ? 'not set' : new Date(atMs).toISOString().slice(0, 19));

/** `NAME=VALUE` in its two parts. Throws `input.invalid`. */
function assignment(given: string): { readonly name: string; readonly value: string } {
  const at = given.indexOf('=');
  const name = ownNameSchema.safeParse(given.slice(0, Math.max(0, at)));
  if (at < 0 || !name.success) {
    throw new DomainError('input.invalid', `Write NAME=VALUE instead of "${given.slice(0, 100)}". ${nameAdvice}`);
  }
  return { name: name.data, value: given.slice(at + 1) };
}

/** One secret, asked for or read from stdin. Throws `input.invalid`. */
const readSecrets = async (name: string) => [{ name, value: await readSecret(name) }];

interface Place {
  readonly client: EngineClient;
  readonly row: { readonly id: string; readonly name: string };
  readonly options: Options;
}

/** A command about the values of a repository. */
const valueCommand = (parent: Command, name: string, description: string) =>
  parent
    .command(name)
    .description(description)
    .requiredOption('--repository <name>', 'the repository')
    .addOption(channelOption());

/** Does what the command says on the values of builds, or of the channel that was named. */
async function act(
  command: Command,
  onBuilds: (place: Place) => Promise<void>,
  onChannel: (place: Place, channel: string) => Promise<void>,
): Promise<void> {
  const options = command.optsWithGlobals<Options>();
  await callEngine(options, async client => {
    const place = { client, row: await findRepository(client, options.repository), options };
    await (options.channel === undefined ? onBuilds(place) : onChannel(place, options.channel));
  });
}

function addSecretCommands(program: Command): void {
  const secret = program
    .command('secret')
    .description('secret values for builds of a repository, or for what runs on a channel');
  valueCommand(secret, 'set', 'set or replace a secret; its value comes from stdin, or is asked for')
    .argument('<name>', 'the variable that holds it in the build', fitting(ownNameSchema, nameAdvice))
    .action((name: string, _options: unknown, command: Command) =>
      act(
        command,
        async ({ client, row, options }) => {
          const value = await readSecret(name);
          await client.environment.setSecret({ repositoryId: row.id, name, value });
          print(
            done,
            options,
            `Secret ${name} of ${plain(row.name)} is set. Builds get it where slipway.yml names it under "secrets".`,
          );
        },
        ({ client, row, options }, channel) =>
          setOnChannel(client, row, channel, 'secret', () => readSecrets(name), options),
      ),
    );
  valueCommand(secret, 'list', 'names of secrets, and when each was set; values are never shown').action(
    (_options: unknown, command: Command) =>
      act(
        command,
        async ({ client, row, options }) => {
          const { secrets } = await client.environment.get({ repositoryId: row.id });
          const lines = secrets.map(({ name, setAtMs, used }) => [name, when(setAtMs), used ? 'yes' : 'no']);
          print(secrets, options, table(['NAME', 'SET', 'ASKED FOR'], lines));
        },
        ({ client, row, options }, channel) => listOfChannel(client, row, channel, 'secret', options),
      ),
  );
  valueCommand(secret, 'remove', 'remove a secret')
    .argument('<name>', 'its name', fitting(variableNameSchema, nameAdvice))
    .action((name: string, _options: unknown, command: Command) =>
      act(
        command,
        async ({ client, row, options }) => {
          await client.environment.removeSecret({ repositoryId: row.id, name });
          print(done, options, `Secret ${name} of ${plain(row.name)} is removed.`);
        },
        ({ client, row, options }, channel) => removeFromChannel(client, row, channel, 'secret', name, options),
      ),
    );
}

function addVariableCommands(program: Command): void {
  const env = program
    .command('env')
    .description('plain environment variables for builds of a repository, or for what runs on a channel');
  valueCommand(env, 'set', 'set or replace variables; what must not be seen belongs into "slipway secret set"')
    .argument('<assignments...>', 'NAME=VALUE')
    .action((given: string[], _options: unknown, command: Command) => {
      const variables = given.map(assignment);
      return act(
        command,
        async ({ client, row, options }) => {
          for (const variable of variables) await client.environment.setVariable({ repositoryId: row.id, ...variable });
          print(done, options, `${variables.map(({ name }) => name).join(', ')} set for ${plain(row.name)}.`);
        },
        ({ client, row, options }, channel) =>
          setOnChannel(client, row, channel, 'variable', async () => variables, options),
      );
    });
  valueCommand(env, 'list', 'variables with where each is set; the last one of a name wins').action(
    (_options: unknown, command: Command) =>
      act(
        command,
        async ({ client, row, options }) => {
          const { variables } = await client.environment.get({ repositoryId: row.id });
          const lines = variables.map(({ name, value, origin, step }) => [
            name,
            origin === 'pipeline' ? 'slipway.yml' : origin === 'step' ? `step ${step}` : 'repository',
            value,
          ]);
          print(variables, options, table(['NAME', 'SET BY', 'VALUE'], lines));
        },
        ({ client, row, options }, channel) => listOfChannel(client, row, channel, 'variable', options),
      ),
  );
  valueCommand(env, 'remove', 'remove a variable of the repository')
    .argument('<name>', 'its name', fitting(variableNameSchema, nameAdvice))
    .action((name: string, _options: unknown, command: Command) =>
      act(
        command,
        async ({ client, row, options }) => {
          await client.environment.removeVariable({ repositoryId: row.id, name });
          print(done, options, `${name} of ${plain(row.name)} is removed.`);
        },
        ({ client, row, options }, channel) => removeFromChannel(client, row, channel, 'variable', name, options),
      ),
    );
}

export function addEnvironmentCommands(program: Command): void {
  addSecretCommands(program);
  addVariableCommands(program);
}
