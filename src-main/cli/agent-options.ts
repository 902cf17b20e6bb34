/** Owns what `slipway agent` takes, and its subcommands. What they do is loaded when they are called. */
import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import { channelNameSchema, idSchema, publicKeySchema } from '../contract/documents.ts';
import { rateMeaning, rateSchema } from '../contract/rate.ts';
import type { AgentCommandOptions } from './agent-command.ts';
import type { InstallOptions } from './agent-install.ts';
import { fitting, several, wholeNumber } from './arguments.ts';

const needed = {
  store: '--store <url>',
  repository: '--repository <id>',
  channel: '--channel <name>',
  root: '--root <folder>',
  key: '--key <root-public-key>',
} as const;

/** Commander would ask a subcommand for all that its parent needs; removing a service needs but two of them. */
function assertGiven(command: Command, names: readonly (keyof typeof needed)[]): void {
  const options = command.optsWithGlobals<Record<string, unknown>>();
  const missing = names.find(name => options[name] === undefined);
  if (missing !== undefined) command.error(`error: required option '${needed[missing]}' not specified`);
}

/** Known on Linux alone, as `swarm.onBattery` and `swarm.onMetered` of a control center without a desktop are. */
function thriftOption(flags: string, when: string): Option {
  return new Option(flags, `${when}: seed, pause (give nothing) or wait (fetch nothing either)`)
    .choices(['seed', 'pause', 'wait'])
    .default('seed');
}

const all = ['store', 'repository', 'channel', 'root', 'key'] as const;

export function addAgentCommands(program: Command): void {
  const agent = program
    .command('agent')
    .description('follow a channel on this machine')
    .option(needed.store, 'a store to read; give it again for more, the nearest first, the main store last', several)
    .option(needed.repository, "the repository's id", fitting(idSchema, 'Give the id that "slipway repo list" shows.'))
    .option(
      needed.channel,
      'the channel to follow',
      fitting(channelNameSchema, 'A channel has lower-case letters, digits and dashes.'),
    )
    .option(needed.root, 'where releases lie')
    .option(
      needed.key,
      "the installation's root key, pinned at the first start",
      fitting(publicKeySchema, 'Give the root key that "slipway status" shows.'),
    )
    .option('--pair <code>', 'the one-time code that "slipway machine pair" shows')
    .option('--name <name>', 'how the machine is called', hostname())
    .option('--region <name>', 'the region that it is in')
    .option('--listen <address>', 'where the swarm listens', '127.0.0.1')
    .option('--up <rate>', 'the most that the swarm gives, such as 5MB/s', fitting(rateSchema, `Give ${rateMeaning}.`))
    .option('--down <rate>', 'the most that the swarm takes', fitting(rateSchema, `Give ${rateMeaning}.`))
    .addOption(thriftOption('--on-battery <what>', 'on battery'))
    .addOption(thriftOption('--on-metered <what>', 'while the way out is metered'))
    .option('--interval <seconds>', 'how often the store is looked at', wholeNumber(1, 3_600), 5)
    .option('--tracker <url>', 'a tracker, besides those that the control center names; may be repeated', several)
    .option('--no-swarm', 'read from stores alone')
    .option('--supervise', "run the release's start command as a child")
    .option(
      '--link-files',
      'link what a delta keeps instead of copying it, read-only: for programs that never write to their files',
    )
    .option('--user-variables', "keep the channel's values as variables of this user too")
    .option('--once', 'bring the machine up to date, then end')
    .action(async (_options: unknown, command: Command) => {
      assertGiven(command, all);
      const { runAgent } = await import('./agent-command.ts');
      await runAgent(command.optsWithGlobals<AgentCommandOptions>());
    });
  agent
    .command('install')
    .description('the same as a service: a systemd unit, a launchd agent or a scheduled task, of root or of this user')
    .option('--user', 'for this user, although root asks')
    .option('--no-start', 'write it, and start it later')
    .action(async (_options: unknown, command: Command) => {
      assertGiven(command, all);
      const { installAgent } = await import('./agent-install.ts');
      await installAgent(command.optsWithGlobals<InstallOptions>());
    });
  agent
    .command('uninstall')
    .description('stop the service of a repository and channel, and remove it')
    .option('--user', 'of this user, although root asks')
    .action(async (_options: unknown, command: Command) => {
      assertGiven(command, ['repository', 'channel']);
      const { uninstallAgent } = await import('./agent-install.ts');
      await uninstallAgent(command.optsWithGlobals<InstallOptions>());
    });
}
