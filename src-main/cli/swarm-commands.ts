/** Owns `slipway swarm`: what is seeded, pausing it, and for how long. */
import type { Command } from 'commander';
import type { SwarmView } from '../contract/views/swarm.ts';
import { formatSize } from '../domain/format-size.ts';
import { wholeNumber } from './arguments.ts';
import { callEngine, type EngineOptions } from './engine-client.ts';
import { type OutputOptions, print, table } from './output.ts';

type Options = EngineOptions & OutputOptions;

/** Who may fetch from here, which a person should never have to guess. */
function reachText({ addresses, port }: SwarmView): string {
  if (addresses.length === 0)
    return 'for this machine alone ("slipway swarm open" lets other machines fetch from here)';
  const places = addresses.map(address => (port === null ? address : `${address}:${port}`)).join(', ');
  return `open to the network at ${places} ("slipway swarm close" ends that)`;
}

function stateText(swarm: SwarmView): string {
  if (swarm.error) return `not seeding: ${swarm.error.message}`;
  if (swarm.paused) {
    const end =
      swarm.pausedUntilMs === null
        ? 'until "slipway swarm resume"'
        : `until ${new Date(swarm.pausedUntilMs).toLocaleString()}`;
    return `PAUSED ${end}: machines fetch from their region's store`;
  }
  if (swarm.heldBy !== null) {
    const [where, setting] =
      swarm.heldBy === 'battery' ? ['on battery', 'swarm.onBattery'] : ['on a metered link', 'swarm.onMetered'];
    return `PAUSED while ${where}: machines fetch from their region's store ("slipway settings set ${setting} seed" goes on)`;
  }
  if (!swarm.running || swarm.port === null) return 'not running';
  const trackers = swarm.trackers.length === 0 ? '' : `; tracker ${swarm.trackers.join(', ')}`;
  return `seeding ${swarm.torrents.length} packs on port ${swarm.port}, ${formatSize(swarm.uploadBytesPerSecond)}/s${trackers}\n${reachText(swarm)}`;
}

function swarmText(swarm: SwarmView): string {
  if (swarm.torrents.length === 0) return stateText(swarm);
  const lines = swarm.torrents.map(torrent => [
    torrent.repositoryName,
    torrent.revision.slice(0, 10),
    formatSize(torrent.sizeBytes),
    String(torrent.peers),
    formatSize(torrent.uploadedBytes),
  ]);
  return `${stateText(swarm)}\n${table(['REPOSITORY', 'REVISION', 'SIZE', 'PEERS', 'GIVEN'], lines)}`;
}

export function addSwarmCommands(program: Command): void {
  const swarm = program.command('swarm').description('what this control center seeds to machines');
  swarm
    .command('status')
    .description('what is seeded, to how many, and whether it is paused')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const view = await callEngine(options, client => client.swarm.get());
      print(view, options, swarmText(view));
    });
  swarm
    .command('pause')
    .description("seed nothing; machines fetch from their region's store and from each other")
    .option('--minutes <n>', 'and go on by itself after so many minutes', wholeNumber(1, 10_080))
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { minutes?: number }>();
      const { minutes } = options;
      const view = await callEngine(options, client =>
        client.swarm.setPaused({ paused: true, ...(minutes === undefined ? {} : { minutes }) }),
      );
      print(view, options, stateText(view));
    });
  for (const [name, value, description] of [
    [
      'open',
      'network',
      'let other machines fetch packs from here: whoever reaches this machine and knows the pack; never the API',
    ],
    ['close', 'this-machine', 'let nobody but this machine fetch from here'],
  ] as const) {
    swarm
      .command(name)
      .description(description)
      .action(async (_options: unknown, command: Command) => {
        const options = command.optsWithGlobals<Options>();
        await callEngine(options, client => client.settings.set({ name: 'swarm.listen', value }));
        const view = await callEngine(options, client => client.swarm.get());
        print(view, options, reachText(view));
      });
  }
  swarm
    .command('resume')
    .description('seed again')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const view = await callEngine(options, client => client.swarm.setPaused({ paused: false }));
      print(view, options, stateText(view));
    });
}
