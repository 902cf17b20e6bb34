/** Owns `slipway repo` and `slipway job`. */
import { type Command, Option } from 'commander';
import { type AlertSwitches, alertKindSchema } from '../contract/alerts.ts';
import { DomainError } from '../contract/errors.ts';
import { firstErrorOf } from '../contract/first-error.ts';
import { describeIsolation } from '../contract/isolation.ts';
import type { Vcs } from '../contract/source-options.ts';
import type { AttemptView, JobDetail, JobSummary } from '../contract/views/job.ts';
import type { Polling } from '../contract/views/repository.ts';
import { formatSize } from '../domain/format-size.ts';
import { ordinal } from '../domain/waiting.ts';
import { alertList, alertWords } from './alert-options.ts';
import { onOrOff, wholeNumber } from './arguments.ts';
import { callEngine, type EngineOptions, findJob, findRepository } from './engine-client.ts';
import { addLogCommand } from './job-log.ts';
import { allTests, describeTestPage } from './job-tests.ts';
import { type OutputOptions, plain, print, table } from './output.ts';
import { addSourceOptions, type SourceArguments, sourceChange, sourceWords } from './source-options.ts';
import { addTimelineCommand } from './timeline-command.ts';

type Options = EngineOptions & OutputOptions;

export function addRepositoryCommands(program: Command): void {
  const repo = program.command('repo').description('repositories that are watched');
  const add = repo
    .command('add <url>')
    .description('watch a repository of Git or Subversion: a URL, or a path on this machine')
    .addOption(new Option('--vcs <kind>', 'found out if left out').choices(['git', 'svn']))
    .option('--name <name>', 'how it is called here')
    .option('--branch <branch>', 'the branch to deploy; the default branch if left out')
    .option('--auto', 'release every new revision on the channel "production" by itself')
    .action(async (url: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        Options & SourceArguments & { name?: string; branch?: string; auto?: boolean; vcs?: Vcs }
      >();
      await callEngine(options, async client => {
        const { name, branch, vcs } = options;
        const row = await client.repositories.add({ url, name, branch, vcs, source: sourceChange(options) });
        if (options.auto) await client.channels.set({ repositoryId: row.id, name: 'production', policy: 'auto' });
        print(row, options, `Watching ${plain(row.name)} on ${row.branch} (${row.id}).`);
      });
    });
  addSourceOptions(add);
  repo
    .command('list')
    .description('all repositories, worst first')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const rows = await callEngine(options, client => client.repositories.list());
      const lines = rows.map(row => [
        row.name,
        row.branch,
        row.stateText,
        row.latestJob?.revision.revision.slice(0, 7) ?? '-',
        row.channels.map(channel => `${channel.name} ${channel.serial ?? '-'}`).join(', '),
        row.id,
      ]);
      print(rows, options, table(['NAME', 'BRANCH', 'STATE', 'REVISION', 'CHANNELS', 'ID'], lines));
    });
  repo
    .command('remove <repository>')
    .description('stop watching; what was built and released stays')
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const row = await findRepository(client, named);
        print(await client.repositories.remove({ id: row.id }), options, `${plain(row.name)} is no longer watched.`);
      });
    });
  repo
    .command('poll <repository>')
    .description('look for a new revision now')
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const row = await findRepository(client, named);
        const looked = await client.repositories.pollNow({ id: row.id });
        const { pollError } = await client.repositories.get({ id: row.id });
        if (pollError) throw DomainError.fromView(pollError);
        print(looked, options, `Looked at ${plain(row.name)}.`);
      });
    });
  repo
    .command('build <repository>')
    .description('build the newest revision again; its steps are run, whatever is known of it')
    .option('--no-cache', 'without the files that earlier builds have kept; this one leaves new ones')
    .option('--priority', 'before the jobs of other repositories, with whatever waits before it in its own')
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { cache: boolean; priority?: boolean }>();
      await callEngine(options, async client => {
        const row = await findRepository(client, named);
        const { cache, priority = false } = options;
        const job = await client.repositories.buildNow({ id: row.id, cache, priority });
        print(job, options, `Job ${job.number} is queued.`);
      });
    });
  repo
    .command('hook <repository>')
    .description('where a forge sends its webhooks, and their secret; heard where the setting sources.hooks says')
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const row = await findRepository(client, named);
        const hook = await client.repositories.hook({ id: row.id });
        const state = hook.listening ?? `nowhere${hook.problem === null ? '' : `: ${hook.problem}`}`;
        const lines = [
          ['heard at', `${state} (slipway settings set sources.hooks 0.0.0.0:7800)`],
          ['path', hook.path],
          ['secret', hook.secret],
        ];
        print(hook, options, table([plain(row.name), ''], lines));
      });
    });
  addQueueCommand(repo);
  addTimelineCommand(repo);
}

function pollingWords({ everyMs, host, stretch, heldUntilMs }: Polling): string {
  const every = `every ${Math.round(everyMs / 1_000)} s`;
  if (heldUntilMs !== null) return `${every}; ${host} asks for a pause until ${clock(heldUntilMs)}`;
  return stretch > 1 ? `${every}, since ${host} allows no more` : every;
}

function addQueueCommand(repo: Command): void {
  const set = repo
    .command('set <repository>')
    .description('how it is looked at and its jobs are queued; without an option, what is set')
    .option('--branch <branch>', 'the branch to watch from now on; what is queued of the old one is still built')
    .option('--concurrency <n>', 'how many of its jobs may run at once', wholeNumber(1, 64))
    .option('--supersede <on|off>', 'a newer revision cancels those that still wait', onOrOff)
    .option(
      '--retries <n>',
      'how often a job is tried again by itself after a failure that may pass',
      wholeNumber(0, 10),
    )
    .option('--poll <seconds>', 'how often it is looked at; 0 for what the installation does', wholeNumber(0, 86_400))
    .option('--notify <list>', `which of ${alertKindSchema.options.join(', ')} notify; "-" for none`, alertList)
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        Options &
          SourceArguments & {
            branch?: string;
            concurrency?: number;
            supersede?: boolean;
            retries?: number;
            poll?: number;
            notify?: AlertSwitches;
          }
      >();
      await callEngine(options, async client => {
        const { id } = await findRepository(client, named);
        const { branch, concurrency, supersede, retries: retryLimit } = options;
        if (branch !== undefined) await client.repositories.setBranch({ id, branch });
        const change = sourceChange(options);
        if (change !== undefined) await client.repositories.setSource({ id, ...change });
        if (options.notify !== undefined) await client.repositories.setAlerts({ id, ...options.notify });
        const row = await client.repositories.setQueue({ id, concurrency, supersede, retryLimit });
        const { polling } =
          options.poll === undefined
            ? row
            : await client.repositories.setPolling({
                id,
                intervalMs: options.poll === 0 ? null : options.poll * 1_000,
              });
        const lines = [
          ['looked at', pollingWords(polling)],
          ...sourceWords(row),
          ['jobs at once', String(row.queue.concurrency)],
          ['newer revisions supersede waiting ones', row.queue.supersede ? 'on' : 'off'],
          ['tries again by itself', String(row.queue.retryLimit)],
          ['notifies of', alertWords(row.alerts)],
        ];
        print(
          {
            branch: row.branch,
            branchState: row.branchState,
            ...row.queue,
            polling,
            source: row.source,
            alerts: row.alerts,
          },
          options,
          table([plain(row.name), ''], lines),
        );
      });
    });
  addSourceOptions(set);
}

const clock = (atMs: number | null) => (atMs === null ? '-' : new Date(atMs).toISOString().slice(0, 19));

/** `3rd in line: all 2 workers are busy (behind job 12), starts in 40 s`; null for a job that does not wait. */
function waitingWords({ waitingFor, position, etaMs }: JobSummary): string | null {
  if (waitingFor === null) return null;
  const place = position === null ? 'far back' : ordinal(position);
  const behind = waitingFor.job ? ` (behind job ${waitingFor.job.number})` : '';
  const seconds = etaMs === null ? null : Math.max(0, Math.round((etaMs - Date.now()) / 1_000));
  const starts =
    seconds === null ? '' : seconds < 120 ? `, starts in ${seconds} s` : `, starts in ${Math.round(seconds / 60)} min`;
  return `${place} in line: ${waitingFor.text}${behind}${starts}`;
}

/** What is known of the attempts whose worker was lost; nothing where there was none. */
function lossText(attempts: readonly AttemptView[]): string {
  return attempts
    .flatMap(({ attempt, workerName, loss }) => {
      if (!loss) return [];
      const facts = [
        loss.step === null ? null : `during "${loss.step}"`,
        loss.exitCode === null ? null : `exit code ${loss.exitCode}`,
        loss.signal,
        loss.silentMs === null ? null : `silent for ${Math.round(loss.silentMs / 1_000)} s`,
        loss.peakMemoryBytes === null ? null : `at most ${formatSize(loss.peakMemoryBytes)} of memory`,
      ].filter(fact => fact !== null);
      const said = [...lastLines('log', loss.logTail), ...lastLines('worker', loss.lastOutput)];
      return [
        `\nAttempt ${attempt} was lost with ${workerName}: ${plain(loss.reason)} (${plain(facts.join(', '))}).`,
        ...said,
      ];
    })
    .join('');
}

function lastLines(whose: string, text: string): string[] {
  const lines = text.trimEnd().split('\n').slice(-3);
  return lines.filter(line => line !== '').map(line => `\n  ${whose} | ${plain(line)}`);
}

function buildWords(build: NonNullable<JobDetail['build']>): string {
  const what = `${formatSize(build.sizeBytes)}, artifact ${build.artifactId}`;
  if (build.reclaimedAtMs !== null)
    return `${what}; reclaimed at ${clock(build.reclaimedAtMs)}: retry the job to have it again`;
  return build.pinnedAtMs === null ? what : `${what}; pinned`;
}

export function addJobCommands(program: Command): void {
  const job = program.command('job').description('builds of revisions');
  job
    .command('list')
    .description('jobs, newest first')
    .option('--repository <name>', 'of one repository')
    .option('--limit <n>', 'at most this many', wholeNumber(1, 500), 20)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { repository?: string; limit: number }>();
      await callEngine(options, async client => {
        const row = options.repository ? await findRepository(client, options.repository) : null;
        const { jobs } = await client.jobs.list({ repositoryId: row?.id, limit: options.limit });
        const lines = jobs.map(item => [
          String(item.number),
          item.status,
          item.repositoryName,
          item.revision.revision.slice(0, 7),
          String(item.attempt),
          clock(item.queuedAtMs),
          waitingWords(item) ?? item.error?.message ?? item.revision.subject,
        ]);
        print(jobs, options, table(['JOB', 'STATUS', 'REPOSITORY', 'REVISION', 'ATTEMPT', 'QUEUED', ''], lines));
      });
    });
  addLogCommand(job);
  job
    .command('show <job>')
    .description('state, steps and result of a job')
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const detail = await client.jobs.get({ id: (await findJob(client, named)).id });
        const lines = detail.steps.map(step => [
          step.name,
          step.status,
          step.startedAtMs && step.finishedAtMs
            ? `${((step.finishedAtMs - step.startedAtMs) / 1_000).toFixed(1)} s`
            : '-',
          step.detail ?? step.command ?? '',
        ]);
        const size = detail.build ? `\n${buildWords(detail.build)}` : '';
        const firstError = firstErrorOf(detail.error);
        const place =
          firstError === null
            ? ''
            : `\nFirst error, at byte ${firstError.logOffset} of the log: ${plain(firstError.line)}`;
        const words = waitingWords(detail);
        const waiting = words === null ? '' : `, ${plain(words)}`;
        const error = detail.error ? `\n${plain(detail.error.message)}${place}` : '';
        const isolation = detail.attempts.at(-1)?.isolation;
        const under = isolation ? `\n${plain(`Isolation: ${describeIsolation(isolation)}`)}` : '';
        const losses = lossText(detail.attempts);
        print(
          detail,
          options,
          `Job ${detail.number}: ${detail.status}${waiting}${error}${under}${size}${losses}\n${table(['STEP', 'STATUS', 'TOOK', ''], lines)}`,
        );
      });
    });
  job
    .command('tests <job>')
    .description('tests of a job, from the JUnit files that its steps wrote')
    .option('--failed', 'only those that failed')
    .option('--attempt <n>', 'of an earlier attempt', wholeNumber(1, 1_000_000))
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { failed?: boolean; attempt?: number }>();
      await callEngine(options, async client => {
        const { id } = await findJob(client, named);
        const outcome = options.failed ? 'failed' : undefined;
        const found = await allTests(after =>
          client.jobs.tests({ id, attempt: options.attempt, outcome, after, limit: 200 }),
        );
        print(found, options, describeTestPage(found));
      });
    });
  for (const verb of ['cancel', 'retry'] as const) {
    job
      .command(`${verb} <job>`)
      .description(verb === 'cancel' ? 'cancel a queued or running job' : 'run a finished job again')
      .action(async (named: string, _options: unknown, command: Command) => {
        const options = command.optsWithGlobals<Options>();
        await callEngine(options, async client => {
          const { id } = await findJob(client, named);
          const result = await client.jobs[verb]({ id });
          print(
            result,
            options,
            `Job ${result.number} is ${result.status}${verb === 'cancel' && result.status === 'running' ? ' and is being ended' : ''}.`,
          );
        });
      });
  }
  job
    .command('wait <job>')
    .description('wait until a job has ended; exit code 1 unless it succeeded')
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const { id } = await findJob(client, named);
        for (;;) {
          const detail = await client.jobs.get({ id });
          if (detail.status !== 'queued' && detail.status !== 'running') {
            print(detail, options, `Job ${detail.number} ${detail.status}.`);
            if (detail.status !== 'succeeded') process.exitCode = 1;
            return;
          }
          await new Promise(resolve => setTimeout(resolve, 250));
        }
      });
    });
}
