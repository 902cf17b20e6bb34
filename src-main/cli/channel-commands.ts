/** Owns `slipway channel`: how a channel releases, and that for now it does not. */
import { type Command, Option } from 'commander';
import { type ChannelPolicy, type ChannelSummary, channelPolicySchema } from '../contract/views/release.ts';
import { callEngine, type EngineOptions, findRepository } from './engine-client.ts';
import { type OutputOptions, plain, print } from './output.ts';
import { type RolloutOptions, rolloutRequest, withRolloutOptions } from './rollout-options.ts';

type Options = EngineOptions & OutputOptions;

function summary({ name, policy, pausedReason, frozenReason, rollout }: ChannelSummary): string {
  const way = rollout === null || rollout.way.kind === 'all' ? '' : `, ${rollout.way.kind}`;
  const held = pausedReason ? `, held: ${plain(pausedReason)}` : '';
  return `${name}: ${policy}${way}${held}${frozenReason ? `, frozen: ${plain(frozenReason)}` : ''}.`;
}

export function addChannelCommands(program: Command): void {
  const channel = withRolloutOptions(program.command('channel'))
    .description('create a channel, or change how it releases')
    .argument('<repository>')
    .argument('<name>')
    .addOption(new Option('--policy <policy>', 'how it releases').choices(channelPolicySchema.options))
    .option('--hold', 'release nothing by itself until resumed')
    .option('--resume', 'release by itself again')
    .action(async (named: string, name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        Options & RolloutOptions & { policy?: ChannelPolicy; hold?: boolean; resume?: boolean }
      >();
      await callEngine(options, async client => {
        const row = await findRepository(client, named);
        const paused = options.hold ? true : options.resume ? false : undefined;
        const set = await client.channels.set({
          repositoryId: row.id,
          name,
          policy: options.policy,
          paused,
          rollout: rolloutRequest(options),
        });
        print(set, options, summary(set));
      });
    });
  channel
    .command('freeze <repository> <name>')
    .description('release nothing on it, by itself or by a person, unless forced with a reason')
    .requiredOption('--reason <text>', 'shown to whoever wants to release')
    .action(async (named: string, name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { reason: string }>();
      await callEngine(options, async client => {
        const { id: repositoryId } = await findRepository(client, named);
        const frozen = await client.channels.freeze({ repositoryId, name, reason: options.reason });
        print(frozen, options, summary(frozen));
      });
    });
  channel
    .command('unfreeze <repository> <name>')
    .description('release on it again')
    .action(async (named: string, name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const { id: repositoryId } = await findRepository(client, named);
        const freed = await client.channels.freeze({ repositoryId, name, reason: null });
        print(freed, options, summary(freed));
      });
    });
}
