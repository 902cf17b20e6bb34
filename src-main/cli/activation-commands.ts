/** Owns the commands by which a person steps into an activation: what becomes of a migration that did not end well. */
import { Argument, type Command } from 'commander';
import { callEngine, type EngineOptions, findRepository } from './engine-client.ts';
import { type OutputOptions, plain, print } from './output.ts';

type Options = EngineOptions & OutputOptions;

/** Below `slipway release`. */
export function addMigrateCommand(release: Command): void {
  release
    .command('migrate')
    .description('say what becomes of a migration that failed or was interrupted')
    .addArgument(
      new Argument('<verdict>', 'resume: machines run it again; skip: it counts as done').choices(['resume', 'skip']),
    )
    .argument('<repository>')
    .option('--channel <name>', 'the channel', 'production')
    .requiredOption('--reason <text>', 'kept with the release')
    .action(async (verdict: 'resume' | 'skip', named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { channel: string; reason: string }>();
      await callEngine(options, async client => {
        const { id: repositoryId } = await findRepository(client, named);
        const { channel, reason } = options;
        const decided = await client.releases.migrate({ repositoryId, channel, verdict, reason });
        const what = verdict === 'resume' ? 'are run again by the next machine that looks' : 'count as done';
        print(decided, options, `The migrations of release ${decided.serial} on ${plain(decided.channel)} ${what}.`);
      });
    });
}
