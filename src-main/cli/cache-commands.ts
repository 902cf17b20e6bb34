/** Owns `slipway cache`: what builds keep for later ones. */
import type { Command } from 'commander';
import { formatSize } from '../domain/format-size.ts';
import { byteSize } from './arguments.ts';
import { callEngine, type EngineOptions, findRepository } from './engine-client.ts';
import { type OutputOptions, print, table } from './output.ts';

type Options = EngineOptions & OutputOptions & { readonly repository?: string };

/** As the contract has it: cacheLimitSchema. */
const maxLimitBytes = 2 ** 50;

export function addCacheCommands(program: Command): void {
  const cache = program.command('cache').description('what builds keep for later ones');
  cache
    .command('list')
    .description('caches and the disk that they take, most recently used first')
    .option('--repository <name>', 'of one repository')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const [row, rows] = await Promise.all([
          options.repository ? findRepository(client, options.repository) : null,
          client.repositories.list(),
        ]);
        const view = await client.caches.list({ repositoryId: row?.id });
        const names = new Map(rows.map(({ id, name }) => [id, name]));
        const lines = view.entries.map(entry => [
          names.get(entry.repositoryId) ?? entry.repositoryId,
          entry.name,
          entry.key.slice(0, 12),
          formatSize(entry.sizeBytes),
          `#${entry.jobNumber}`,
          new Date(entry.usedAtMs).toISOString().slice(0, 19),
          entry.status === 'ready' ? '' : entry.status,
        ]);
        const sum = `${formatSize(view.usedBytes)} of ${formatSize(view.limitBytes)} used; ${view.results} results known`;
        print(view, options, `${table(['REPOSITORY', 'CACHE', 'KEY', 'SIZE', 'JOB', 'USED', ''], lines)}${sum}`);
      });
    });
  cache
    .command('clear')
    .description('remove caches, results and the homes of isolated builds, so that the next build does all of its work')
    .option('--repository <name>', 'of one repository; of all if left out')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const row = options.repository ? await findRepository(client, options.repository) : null;
        const cleared = await client.caches.clear({ repositoryId: row?.id });
        const { caches, sizeBytes, results } = cleared;
        print(cleared, options, `Removed ${caches} caches (${formatSize(sizeBytes)}), and forgot ${results} results.`);
      });
    });
  cache
    .command('limit')
    .description(
      'set the cap of all caches together, and of all homes of isolated builds; the least recently used go first',
    )
    .argument('<size>', 'such as 500MiB or 20GiB; 0 keeps nothing', byteSize(maxLimitBytes))
    .action(async (limitBytes: number, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const view = await client.caches.setLimit({ limitBytes });
        print(view, options, `${formatSize(view.usedBytes)} of ${formatSize(view.limitBytes)} used.`);
      });
    });
}
