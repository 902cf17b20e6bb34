/** Owns the commands that look at what the interface shows beside its lists: overview, events, trends, pre-flight, a source. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { EngineEvent } from '../contract/events.ts';
import { wholeNumber } from './arguments.ts';
import { callEngine, type EngineOptions, findJob, findRepository } from './engine-client.ts';
import { type OutputOptions, plain, print, table } from './output.ts';

type Options = EngineOptions & OutputOptions;

const lookEveryMs = 500;
const eventsAtOnce = 1_000;

const at = (ms: number) => new Date(ms).toISOString().slice(0, 19);
const seconds = (ms: number | null) => (ms === null ? '-' : `${Math.round(ms / 1_000)} s`);

function groupOf(program: Command, name: string): Command {
  const found = program.commands.find(command => command.name() === name);
  if (!found) throw new Error(`there is no group ${name}`);
  return found;
}

const eventRow = ({ cursor, atMs, type, data }: EngineEvent) => [
  String(cursor),
  at(atMs),
  type,
  plain(JSON.stringify(data)),
];

function addEvents(program: Command): void {
  program
    .command('events')
    .description('what happened, oldest first')
    .option('--after <cursor>', 'after this one', wholeNumber(0, Number.MAX_SAFE_INTEGER), 0)
    .option('--limit <n>', 'at most this many', wholeNumber(1, eventsAtOnce), 200)
    .option('--repository <name>', 'of one repository')
    .option('--job <job>', 'of one job')
    .option('--follow', 'and what happens from then on, until it is ended; with --json a line each')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        Options & { after: number; limit: number; repository?: string; job?: string; follow?: boolean }
      >();
      await callEngine(options, async client => {
        const repositoryId = options.repository ? (await findRepository(client, options.repository)).id : undefined;
        const jobId = options.job ? (await findJob(client, options.job)).id : undefined;
        const read = (after: number) => client.events.list({ after, limit: options.limit, repositoryId, jobId });
        let events = await read(options.after);
        if (!options.follow) return print(events, options, table(['CURSOR', 'AT', 'EVENT', ''], events.map(eventRow)));
        for (let after = options.after; ; events = await read(after)) {
          for (const event of events) {
            process.stdout.write(`${options.json ? JSON.stringify(event) : eventRow(event).join('  ')}\n`);
          }
          after = events.at(-1)?.cursor ?? after;
          if (events.length < options.limit) await delay(lookEveryMs);
        }
      });
    });
}

function addTrends(program: Command): void {
  program
    .command('trends')
    .description('build time, wait and outcome over time')
    .option('--repository <name>', 'of one repository')
    .option('--days <n>', 'how far back; up to two days by the hour', wholeNumber(1, 90), 30)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { repository?: string; days: number }>();
      await callEngine(options, async client => {
        const repositoryId = options.repository ? (await findRepository(client, options.repository)).id : undefined;
        const trends = await client.capacity.trends({ repositoryId, days: options.days });
        const rows = trends.points.map(point => [
          at(point.atMs),
          String(point.succeeded),
          String(point.failed),
          seconds(point.medianBuildMs),
          seconds(point.p95BuildMs),
          seconds(point.medianWaitMs),
          seconds(point.p95WaitMs),
        ]);
        print(trends, options, table(['FROM', 'SUCCEEDED', 'FAILED', 'BUILD', 'P95', 'WAIT', 'P95'], rows));
      });
    });
}

function addOverview(program: Command): void {
  program
    .command('overview')
    .description('every repository, what runs, what waits')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const overview = await callEngine(options, client => client.engine.overview());
      const rows = overview.repositories.map(({ name, branch, state, stateText }) => [name, branch, state, stateText]);
      print(overview, options, table(['REPOSITORY', 'BRANCH', 'STATE', ''], rows));
    });
}

function addSources(repo: Command): void {
  repo
    .command('inspect <url>')
    .description('look at a repository before it is added: branches, and what would be built')
    .option('--branch <branch>', 'the branch to plan; the default branch if left out')
    .action(async (url: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { branch?: string }>();
      const found = await callEngine(options, client =>
        client.repositories.inspect({ url, ...(options.branch === undefined ? {} : { branch: options.branch }) }),
      );
      const branches = found.branches.map(({ name, revision }) => [name, revision.slice(0, 12)]);
      const steps = found.plan?.steps.map(step => `- ${plain(step.name)}: ${plain(step.run)}`) ?? [];
      const plan = found.planError ? [plain(found.planError.message)] : steps;
      print(found, options, [plain(found.name), table(['BRANCH', 'REVISION'], branches), ...plan].join('\n'));
    });
  repo
    .command('add-sample')
    .description('add the sample project, which needs no account and no network')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const row = await callEngine(options, client => client.repositories.addSample());
      print(row, options, `${plain(row.name)} is watched from now on.`);
    });
}

function addCheck(release: Command): void {
  release
    .command('check <repository>')
    .description('what a promote would do, or a rollback; nothing is released')
    .option('--channel <name>', 'the channel', 'production')
    .option('--build <id>', 'the build to promote; a rollback is looked at if left out')
    .option('--to <serial>', 'the release to go back to', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { channel: string; build?: string; to?: number }>();
      await callEngine(options, async client => {
        const { id: repositoryId } = await findRepository(client, named);
        const found = await client.releases.preflight({
          ...{ repositoryId, channel: options.channel },
          ...(options.build === undefined ? {} : { buildId: options.build }),
          ...(options.to === undefined ? {} : { toSerial: options.to }),
        });
        const rows = found.checks.map(({ state, title, detail }) => [state, title, detail]);
        const head = `${plain(found.channel)} would run ${plain(found.to.revision.revision.slice(0, 12))} as release ${found.nextSerial}.`;
        print(found, options, `${head}\n${table(['STATE', 'CHECK', ''], rows)}`);
      });
    });
}

/** After the groups `repo` and `release`. */
export function addLookCommands(program: Command): void {
  addOverview(program);
  addEvents(program);
  addTrends(program);
  addSources(groupOf(program, 'repo'));
  addCheck(groupOf(program, 'release'));
}
