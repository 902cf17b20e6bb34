/** Owns the command line: which commands there are and what they take. What each does is beside this file, and what is
 * large is loaded when it is called for: a command that only reads a folder starts in half the time. */
import { Command, CommanderError } from 'commander';
import { DomainError } from '../contract/errors.ts';
import { version } from '../domain/version.ts';
import { closeInheritedHandles } from '../process/inherited-handles.ts';
import { addAgentCommands } from './agent-options.ts';
import { wholeNumber } from './arguments.ts';
import { addArtifactCommands } from './artifact-commands.ts';
import { addBackupCommands } from './backup-commands.ts';
import { addBuildCommand } from './build-command.ts';
import { addCacheCommands } from './cache-commands.ts';
import { addCapacityCommand } from './capacity-command.ts';
import { addChannelCommands } from './channel-commands.ts';
import { addDiskCommands } from './disk-commands.ts';
import { addDoctorCommand } from './doctor/doctor-command.ts';
import { callEngine, chosenFolder, type EngineOptions } from './engine-client.ts';
import { addEnvironmentCommands } from './environment-commands.ts';
import { addGitCommands } from './git-commands.ts';
import { addInitCommand } from './init-command.ts';
import { addInterchangeCommands } from './interchange-commands.ts';
import { addIsolationCommands } from './isolation-commands.ts';
import { addKeyCommands } from './key-commands.ts';
import { addLookCommands } from './look-commands.ts';
import { addMetricsCommands } from './metrics-commands.ts';
import { exitCodes, fail, type OutputOptions, print, printError, say, table } from './output.ts';
import { addPlanCommand } from './plan-command.ts';
import { addRegionCommands } from './region-commands.ts';
import { addMachineCommands, addReleaseCommands } from './release-commands.ts';
import { addJobCommands, addRepositoryCommands } from './repository-commands.ts';
import { addStoreCommands } from './store-commands.ts';
import { addSwarmCommands } from './swarm-commands.ts';
import { addTrackerCommand } from './tracker-command.ts';
import { addVerifyCommands } from './verify-command.ts';
import { addWebhookCommands } from './webhook-commands.ts';
import { addSettingsCommands, addWorkerCommands, workerWords } from './worker-commands.ts';

type Options = EngineOptions & OutputOptions;

/** Unassigned by IANA, and the same at every start so that a bookmark works. */
const defaultPort = 4780;

function addHostCommands(program: Command): void {
  program
    .command('serve')
    .description('the headless host: interface, API, poller, workers, swarm')
    .option('--port <n>', 'port on loopback; 0 takes any', wholeNumber(0, 65_535), defaultPort)
    .option('--workers <n>', 'worker processes of this run; what the settings say if left out', wholeNumber(0, 256))
    .option(
      '--swarm-host <address>',
      'where the swarm listens, whatever the setting swarm.listen says; 0.0.0.0 is the whole network',
    )
    .option('--swarm-port <n>', 'port of the swarm; 0 takes any', wholeNumber(0, 65_535), 0)
    .option('--open', 'open the interface in the browser')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        Options & { port: number; workers?: number; swarmHost?: string; swarmPort: number; open?: boolean }
      >();
      const folder = chosenFolder(options);
      const { openInBrowser, serve } = await import('./serve.ts');
      const host = await serve({ ...options, folder });
      print(
        { url: host.http.url, port: host.http.port, data: folder.root, pid: process.pid },
        options,
        `Slipway runs at ${host.http.url}`,
      );
      say(`Data in ${folder.root}. End with Ctrl-C.`);
      if (options.open) openInBrowser(host.http.url);
      const end = () => void host.stop();
      process.once('SIGINT', end);
      process.once('SIGTERM', end);
      await host.ended;
    });
  program
    .command('status')
    .description('how the running engine is')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const status = await callEngine(options, client => client.engine.status());
      const { workers, polling, swarm } = status;
      print(
        status,
        options,
        table(
          ['', ''],
          [
            ['version', status.version],
            ['data', status.dataFolder],
            ['root key', status.rootPublicKey],
            ['workers', workerWords(workers)],
            ['polling', `${polling.repositories} repositories, ${polling.failing} failing`],
            ['swarm', `${swarm.torrents} torrents`],
            ...status.problems.map(problem => ['problem', problem.message]),
          ],
        ),
      );
    });
  program
    .command('stop')
    .description('end the running engine in good order')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      print(await callEngine(options, client => client.engine.stop()), options, 'Slipway is ending.');
    });
}

function addLocalCommands(program: Command): void {
  addPlanCommand(program);
  addAgentCommands(program);
  program
    .command('demo')
    .description('the whole journey on the sample project, in a temporary folder')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const { runDemo } = await import('./demo/run-demo.ts');
      process.exitCode = (await runDemo(options)) ? exitCodes.done : exitCodes.failed;
    });
}

function commandLine(): Command {
  const program = new Command('slipway')
    .description('Takes every commit to every machine that should run it.')
    .version(version)
    .option('--json', 'print the result as JSON')
    .option('--data <folder>', 'the data folder (or SLIPWAY_DATA)')
    .showHelpAfterError('(--help shows what there is)')
    .exitOverride();
  addHostCommands(program);
  addWorkerCommands(program);
  addSwarmCommands(program);
  addWebhookCommands(program);
  addMetricsCommands(program);
  addBackupCommands(program);
  addTrackerCommand(program);
  addSettingsCommands(program);
  addRepositoryCommands(program);
  addJobCommands(program);
  addInterchangeCommands(program);
  addEnvironmentCommands(program);
  addKeyCommands(program);
  addIsolationCommands(program);
  addCacheCommands(program);
  addCapacityCommand(program);
  addDiskCommands(program);
  addRegionCommands(program);
  addGitCommands(program);
  addStoreCommands(program);
  addReleaseCommands(program);
  addChannelCommands(program);
  addMachineCommands(program);
  addLookCommands(program);
  addArtifactCommands(program);
  addDoctorCommand(program);
  addVerifyCommands(program);
  addLocalCommands(program);
  addBuildCommand(program);
  addInitCommand(program);
  // Subcommands inherit `exitOverride`, and take --json and --data before or after their own name.
  const share = (command: Command) => {
    for (const sub of command.commands) {
      sub.exitOverride().option('--json', 'print the result as JSON').option('--data <folder>', 'the data folder');
      share(sub);
    }
  };
  share(program);
  return program;
}

/** Commander's line without its prefix; for a group without a command it has only a placeholder, and has shown the help. */
function wrongUse(error: CommanderError): string {
  const isHelp = error.code === 'commander.help';
  return isHelp ? 'A command is missing. --help shows what there is.' : error.message.replace(/^error: /, '');
}

/** Runs what the process was called with; the result is on stdout and in `process.exitCode`. */
export async function runCommandLine(): Promise<void> {
  closeInheritedHandles();
  const json = process.argv.includes('--json');
  try {
    await commandLine().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUse;
      // The words are on stderr already; a script reads the same form of error whatever was wrong.
      if (json && error.exitCode !== 0) printError(new DomainError('input.invalid', wrongUse(error)));
    } else {
      fail(error, { json });
    }
  }
}
