/** Owns `slipway release` and `machine`. */
import type { Command } from 'commander';
import type { ReleaseView } from '../contract/views/release.ts';
import { formatSize } from '../domain/format-size.ts';
import { addMigrateCommand } from './activation-commands.ts';
import { wholeNumber } from './arguments.ts';
import { callEngine, type EngineOptions, findMachine, findRepository } from './engine-client.ts';
import { addRepairCommand, addShowCommand } from './machine-show.ts';
import { type OutputOptions, plain, print, say, table } from './output.ts';
import { findRegion } from './region-commands.ts';
import { addRolloutCommand, type RolloutOptions, rolloutRequest, withRolloutOptions } from './rollout-options.ts';

type Options = EngineOptions & OutputOptions;

interface ReleaseOptions {
  readonly channel: string;
  readonly reason?: string;
  readonly force?: boolean;
}

/** Said with what a promote did: machines go on only when it is done. */
function withMigration({ migration }: ReleaseView): string {
  return migration === null
    ? ''
    : ` Its migrations (${migration.names.map(plain).join(', ')}) run on one machine first.`;
}

function withEnvironment({ environmentVersion }: ReleaseView): string {
  return environmentVersion === null ? '' : `, with environment ${environmentVersion}`;
}

interface PromoteOptions extends RolloutOptions {
  readonly channel: string;
  readonly build?: string;
  readonly from?: string;
  readonly reason?: string;
  readonly force?: boolean;
}

export function addReleaseCommands(program: Command): void {
  const release = program.command('release').description('what channels run');
  release
    .command('list <repository>')
    .description('releases, newest first')
    .option('--channel <name>', 'of one channel')
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { channel?: string }>();
      await callEngine(options, async client => {
        const row = await findRepository(client, named);
        const releases = await client.releases.list({ repositoryId: row.id, channel: options.channel });
        const lines = releases.map(item => [
          item.channel,
          `${item.current ? '*' : ' '}${item.serial}`,
          item.forced ? `${item.kind}, forced` : item.kind,
          item.revision.revision.slice(0, 7),
          String(item.machinesOnIt),
          item.environmentVersion === null ? '-' : String(item.environmentVersion),
          item.reason ?? item.revision.subject,
        ]);
        print(
          releases,
          options,
          table(['CHANNEL', 'SERIAL', 'KIND', 'REVISION', 'MACHINES', 'ENVIRONMENT', ''], lines),
        );
      });
    });
  withRolloutOptions(release.command('promote <repository>'))
    .description('make a build current on a channel; the newest build if none is named')
    .option('--channel <name>', 'the channel', 'production')
    .option('--build <id>', 'the build to promote')
    .option('--from <channel>', 'the build that another channel runs: the same bytes')
    .option('--reason <text>', 'kept with the release')
    .option('--force', 'although the channel is frozen, and before regions have verified their copy; needs --reason')
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & PromoteOptions>();
      await callEngine(options, async client => {
        const row = await findRepository(client, named);
        const made = await client.releases.promote({
          repositoryId: row.id,
          channel: options.channel,
          buildId: options.build,
          fromChannel: options.from,
          reason: options.reason,
          force: options.force,
          rollout: rolloutRequest(options),
        });
        print(
          made,
          options,
          `${made.channel} is at release ${made.serial}, ${made.revision.revision.slice(0, 10)}${withEnvironment(made)}.${withMigration(made)}`,
        );
      });
    });
  release
    .command('rollback <repository>')
    .description('go back to the release before, or to a named one, as a new serial')
    .option('--channel <name>', 'the channel', 'production')
    .option('--to <serial>', 'the release to go back to', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--reason <text>', 'kept with the release')
    .option('--force', 'although the channel is frozen, and before regions have verified their copy; needs --reason')
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & ReleaseOptions & { to?: number }>();
      await callEngine(options, async client => {
        const row = await findRepository(client, named);
        const made = await client.releases.rollback({
          repositoryId: row.id,
          channel: options.channel,
          toSerial: options.to,
          reason: options.reason,
          force: options.force,
        });
        for (const { title, detail } of made.warnings) say(`${plain(title)}: ${plain(detail)}`);
        print(
          made,
          options,
          `${made.channel} is back at ${made.revision.revision.slice(0, 10)}, as release ${made.serial}${withEnvironment(made)}.`,
        );
      });
    });
  addMigrateCommand(release);
  addRolloutCommand(release);
}

export function addMachineCommands(program: Command): void {
  const machine = program.command('machine').description('target hosts');
  machine
    .command('list')
    .description('machines by channel')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const machines = await callEngine(options, client => client.machines.list({}));
      const lines = machines.map(item => [
        item.name,
        item.repositoryName,
        item.channel,
        item.region ?? '-',
        String(item.serial ?? '-'),
        item.phase,
        item.health,
        `${formatSize(item.bytes.peers)} / ${formatSize(item.bytes.region)} / ${formatSize(item.bytes.reuse)}`,
        item.message ?? '',
      ]);
      const header = [
        'MACHINE',
        'REPOSITORY',
        'CHANNEL',
        'REGION',
        'RELEASE',
        'PHASE',
        'HEALTH',
        'PEERS / REGION / REUSE',
        '',
      ];
      print(machines, options, table(header, lines));
    });
  addShowCommand(machine);
  addRepairCommand(machine);
  machine
    .command('pair <repository> <name>')
    .description('the command to run on a new machine; its code works once, for an hour')
    .option('--channel <name>', 'the channel to follow', 'production')
    .option('--region <name>', 'the region that the machine is in')
    .action(async (named: string, name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { channel: string; region?: string }>();
      await callEngine(options, async client => {
        const row = await findRepository(client, named);
        const region = options.region ? await findRegion(client, options.region) : null;
        const pairing = await client.machines.pair({
          repositoryId: row.id,
          channel: options.channel,
          name,
          regionId: region?.id,
        });
        print(pairing, options, pairing.command);
      });
    });
  machine
    .command('remove <machine>')
    .description('revoke a machine: its reports no longer count')
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const { id } = await findMachine(client, named);
        print(await client.machines.remove({ id }), options, 'The machine is revoked.');
      });
    });
}
