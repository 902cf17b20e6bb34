/** Owns `slipway repo timeline`: how long each stage took on the way of a repository's revisions. */
import type { Command } from 'commander';
import type { Timeline } from '../contract/timeline.ts';
import { wholeNumber } from './arguments.ts';
import { callEngine, type EngineOptions, findRepository } from './engine-client.ts';
import { type OutputOptions, print, table } from './output.ts';

export function addTimelineCommand(repo: Command): void {
  repo
    .command('timeline <repository>')
    .description('how long each stage took, from the commit to every machine; the slowest is marked *')
    .option('--limit <n>', 'of the newest so many jobs', wholeNumber(1, 100), 20)
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<EngineOptions & OutputOptions & { limit: number }>();
      await callEngine(options, async client => {
        const { id } = await findRepository(client, named);
        const timeline = await client.repositories.timeline({ id, limit: options.limit });
        print(timeline, options, describe(timeline));
      });
    });
}

function seconds(ms: number | null): string {
  return ms === null ? '-' : `${(ms / 1_000).toFixed(ms < 100_000 ? 1 : 0)} s`;
}

function describe({ revisions, medians, medianTotalMs, slowest }: Timeline): string {
  const rows = revisions.map(({ number, revision, stages, slowest: slow, totalMs }) => [
    String(number),
    revision.revision.slice(0, 7),
    ...stages.map(({ stage, durationMs }) => `${seconds(durationMs)}${stage === slow ? ' *' : ''}`),
    seconds(totalMs),
  ]);
  const middle = medians.map(({ stage, durationMs }) => `${seconds(durationMs)}${stage === slowest ? ' *' : ''}`);
  const header = ['JOB', 'REVISION', 'COMMIT', 'QUEUE', 'BUILD', 'STORE', 'REGIONS', 'MACHINES', 'IN ALL'];
  return table(header, [...rows, ['', 'median', ...middle, seconds(medianTotalMs)]]);
}
