/** Owns the commands that write documents for other tools: a job as JUnit, a repository's state as a badge. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { wholeNumber } from './arguments.ts';
import { callEngine, type EngineOptions, findJob, findRepository } from './engine-client.ts';
import { type OutputOptions, plain, print } from './output.ts';
import { placeFile } from './place-file.ts';

type Options = EngineOptions & OutputOptions & { readonly out?: string };

/** On stdout, or whole into the file of `--out`. Throws `data.unwritable`. */
async function give(document: string, data: unknown, options: Options): Promise<void> {
  if (options.out === undefined) return print(data, options, document);
  const file = resolve(options.out);
  try {
    await placeFile(file, temporary => writeFile(temporary, document));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === null) throw error;
    throw new DomainError('data.unwritable', `${file} cannot be written (${code}).`, { file });
  }
  print({ file }, options, `Written to ${plain(file)}.`);
}

/** Into the groups `repo` and `job`, which are there already. */
export function addInterchangeCommands(program: Command): void {
  const group = (name: string) => {
    const found = program.commands.find(command => command.name() === name);
    if (!found) throw new Error(`there is no group ${name}`);
    return found;
  };
  group('job')
    .command('junit <job>')
    .description('its steps and tests as a JUnit document')
    .option('--attempt <n>', 'of an earlier attempt', wholeNumber(1, 1_000_000))
    .option('--out <file>', 'write it there')
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { attempt?: number }>();
      const found = await callEngine(options, async client => {
        const { id } = await findJob(client, named);
        return client.jobs.junit({ id, ...(options.attempt === undefined ? {} : { attempt: options.attempt }) });
      });
      await give(found.document, found, options);
    });
  group('repo')
    .command('badge <repository>')
    .description('the state of its newest job as an SVG picture, or what a channel runs')
    .option('--channel <name>', 'what this channel runs')
    .option('--out <file>', 'write it there, as into a folder that a web server shows')
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { channel?: string }>();
      const found = await callEngine(options, async client => {
        const { id } = await findRepository(client, named);
        return client.repositories.badge({
          id,
          ...(options.channel === undefined ? {} : { channel: options.channel }),
        });
      });
      await give(found.svg, found, options);
    });
}
