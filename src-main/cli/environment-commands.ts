/** Owns `slipway secret` and `slipway env`: what builds of a repository, or releases on a channel, get as environment. */
import { type Command, Option } from 'commander';
import { channelNameSchema } from '../contract/documents.ts';
import { ownNameSchema, variableNameSchema } from '../contract/environment.ts';
import { DomainError } from '../contract/errors.ts';
import { fitting } from './arguments.ts';
import { listOfChannel, removeFromChannel, setOnChannel } from './channel-values.ts';
import { callEngine, type EngineOptions, findRepository } from './engine-client.ts';
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

function addSecretCommands(program: Command): void {
  const secret = program
    .command('secret')
    .description('secret values for builds of a repository, or for what runs on a channel');
  secret
    .command('set')
    .description('set or replace a secret; its value comes from stdin, or is asked for')
    .argument('<name>', 'the variable that holds it in the build', fitting(ownNameSchema, nameAdvice))
    .requiredOption('--repository <name>', 'the repository')
    .addOption(channelOption())
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const row = await findRepository(client, options.repository);
        if (options.channel)
          return setOnChannel(client, row, options.channel, 'secret', () => readSecrets(name), options);
        const value = await readSecret(name);
        await client.environment.setSecret({ repositoryId: row.id, name, value });
        print(
          done,
          options,
          `Secret ${name} of ${plain(row.name)} is set. Builds get it where slipway.yml names it under "secrets".`,
        );
      });
    });
  secret
    .command('list')
    .description('names of secrets, and when each was set; values are never shown')
    .requiredOption('--repository <name>', 'the repository')
    .addOption(channelOption())
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const row = await findRepository(client, options.repository);
        if (options.channel) return listOfChannel(client, row, options.channel, 'secret', options);
        const { secrets } = await client.environment.get({ repositoryId: row.id });
        const lines = secrets.map(({ name, setAtMs, used }) => [name, when(setAtMs), used ? 'yes' : 'no']);
        print(secrets, options, table(['NAME', 'SET', 'ASKED FOR'], lines));
      });
    });
  secret
    .command('remove')
    .description('remove a secret')
    .argument('<name>', 'its name', fitting(variableNameSchema, nameAdvice))
    .requiredOption('--repository <name>', 'the repository')
    .addOption(channelOption())
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const row = await findRepository(client, options.repository);
        if (options.channel) return removeFromChannel(client, row, options.channel, 'secret', name, options);
        await client.environment.removeSecret({ repositoryId: row.id, name });
        print(done, options, `Secret ${name} of ${plain(row.name)} is removed.`);
      });
    });
}

function addVariableCommands(program: Command): void {
  const env = program
    .command('env')
    .description('plain environment variables for builds of a repository, or for what runs on a channel');
  env
    .command('set')
    .description('set or replace variables; what must not be seen belongs into "slipway secret set"')
    .argument('<assignments...>', 'NAME=VALUE')
    .requiredOption('--repository <name>', 'the repository')
    .addOption(channelOption())
    .action(async (given: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const variables = given.map(assignment);
      await callEngine(options, async client => {
        const row = await findRepository(client, options.repository);
        if (options.channel)
          return setOnChannel(client, row, options.channel, 'variable', async () => variables, options);
        for (const variable of variables) await client.environment.setVariable({ repositoryId: row.id, ...variable });
        print(done, options, `${variables.map(({ name }) => name).join(', ')} set for ${plain(row.name)}.`);
      });
    });
  env
    .command('list')
    .description('variables with where each is set; the last one of a name wins')
    .requiredOption('--repository <name>', 'the repository')
    .addOption(channelOption())
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const row = await findRepository(client, options.repository);
        if (options.channel) return listOfChannel(client, row, options.channel, 'variable', options);
        const { variables } = await client.environment.get({ repositoryId: row.id });
        const lines = variables.map(({ name, value, origin, step }) => [
          name,
          origin === 'pipeline' ? 'slipway.yml' : origin === 'step' ? `step ${step}` : 'repository',
          value,
        ]);
        print(variables, options, table(['NAME', 'SET BY', 'VALUE'], lines));
      });
    });
  env
    .command('remove')
    .description('remove a variable of the repository')
    .argument('<name>', 'its name', fitting(variableNameSchema, nameAdvice))
    .requiredOption('--repository <name>', 'the repository')
    .addOption(channelOption())
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const row = await findRepository(client, options.repository);
        if (options.channel) return removeFromChannel(client, row, options.channel, 'variable', name, options);
        await client.environment.removeVariable({ repositoryId: row.id, name });
        print(done, options, `${name} of ${plain(row.name)} is removed.`);
      });
    });
}

export function addEnvironmentCommands(program: Command): void {
  addSecretCommands(program);
  addVariableCommands(program);
}
