/** Owns `slipway job log`: a job's log as it is, as it grows, or the lines of it that hold a text. */
import type { Command } from 'commander';
import type { LogMatch, LogSearch } from '../contract/views/log.ts';
import { wholeNumber } from './arguments.ts';
import { callEngine, type EngineClient, type EngineOptions, findJob } from './engine-client.ts';
import { type OutputOptions, plain, print, say } from './output.ts';

interface LogOptions extends EngineOptions, OutputOptions {
  readonly follow?: boolean;
  readonly attempt?: number;
  readonly search?: string;
  readonly matchCase?: boolean;
  readonly limit: number;
}

/** The engine lists at most so many at once. */
const pageMatches = 5_000;

export function addLogCommand(job: Command): void {
  job
    .command('log <job>')
    .description('the log of a job; --follow waits for more until it ends, --search shows the lines that hold a text')
    .option('-f, --follow', 'go on until the job ends')
    .option('--attempt <n>', 'of an earlier attempt', wholeNumber(1, 1_000_000))
    .option('--search <text>', 'only the lines that hold this, each with its number')
    .option('--match-case', 'tell capital letters from small ones')
    .option('--limit <n>', 'list at most so many of the lines that --search finds', wholeNumber(1, 1_000_000), 1_000)
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<LogOptions>();
      await callEngine(options, async client => {
        const { id } = await findJob(client, named);
        if (options.search === undefined) await writeLog(client, id, options);
        else await searchLog(client, id, { ...options, search: options.search });
      });
    });
}

function sayReclaimed(atMs: number): void {
  const at = new Date(atMs).toISOString().slice(0, 19);
  say(`The log was reclaimed at ${at} to free space. "slipway job show" has what is kept.`);
}

async function writeLog(client: EngineClient, id: string, { attempt, follow }: LogOptions): Promise<void> {
  for (let offset = 0; ; ) {
    const chunk = await client.jobs.log({ id, attempt, offset });
    if (chunk.reclaimedAtMs !== null) return sayReclaimed(chunk.reclaimedAtMs);
    process.stdout.write(chunk.text);
    offset = chunk.nextOffset;
    if (chunk.complete || (!follow && offset >= chunk.totalBytes)) return;
    if (chunk.text === '') await new Promise(resolve => setTimeout(resolve, 250));
  }
}

async function searchLog(
  client: EngineClient,
  id: string,
  { attempt, search, matchCase, limit, json }: LogOptions & { readonly search: string },
): Promise<void> {
  const matches: LogMatch[] = [];
  let found: LogSearch;
  let after = 0;
  do {
    found = await client.jobs.searchLog({
      id,
      attempt,
      text: search,
      case: matchCase ? 'match' : 'ignore',
      after,
      limit: Math.min(pageMatches, limit - matches.length),
    });
    matches.push(...found.matches);
    after = found.next ?? 0;
  } while (found.next !== null && matches.length < limit);
  if (found.reclaimedAtMs !== null) sayReclaimed(found.reclaimedAtMs);
  const unlisted = found.total - matches.length;
  say(
    `${found.total} of ${found.lineCount} lines hold "${plain(search)}".${unlisted > 0 ? ` The first ${matches.length} are listed; --limit lists more.` : ''}`,
  );
  const lines = matches.map(({ line, text }) => `${line}: ${plain(text.replaceAll('\t', '  '))}\n`);
  if (json || lines.length > 0) print({ ...found, matches }, { json }, lines.join(''));
}
