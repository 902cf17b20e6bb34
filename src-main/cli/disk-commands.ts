/** Owns `slipway disk`: what takes how much, what reclaiming deletes and why the rest stays, and how many builds are kept. */
import type { Command } from 'commander';
import { type DiskUse, diskKindWords, type ReclaimPlan, type ReclaimResult } from '../contract/disk.ts';
import { formatSize } from '../domain/format-size.ts';
import { wholeNumber } from './arguments.ts';
import { callEngine, type EngineOptions, findRepository } from './engine-client.ts';
import { exitCodes, type OutputOptions, plain, print, say, table } from './output.ts';

type Options = EngineOptions & OutputOptions;

const shareWords = ({ packs, sizeBytes }: { readonly packs: number; readonly sizeBytes: number }) =>
  packs === 0 ? '-' : `${packs}, ${formatSize(sizeBytes)}`;

function useText(use: DiskUse): string {
  const { freeBytes, totalBytes, keepFreeBytes } = use;
  const disk =
    freeBytes === null || totalBytes === null
      ? ''
      : `${formatSize(freeBytes)} of ${formatSize(totalBytes)} free; builds leave ${formatSize(keepFreeBytes)} free.\n\n`;
  const kinds = use.kinds.map(({ kind, sizeBytes }) => [kind, formatSize(sizeBytes), diskKindWords[kind]]);
  const repositories = use.repositories.map(row => [
    row.name,
    shareWords(row.pinned),
    shareWords(row.kept),
    shareWords(row.reclaimable),
    shareWords(row.deltas),
    row.keptBuilds === null ? '' : `keeps ${row.keptBuilds} builds`,
  ]);
  const stores = use.stores.map(store => [
    store.name,
    shareWords(store),
    store.waiting.packs === 0 ? '' : `${shareWords(store.waiting)} still to be deleted`,
  ]);
  return [
    disk,
    table(['KIND', 'SIZE', ''], kinds),
    `\nMirrors are kept below ${formatSize(use.mirrorLimitBytes)} together; the least recently used go first, and are fetched anew when they are needed (slipway settings set sources.mirrorBytes).\n`,
    '\n',
    table(['REPOSITORY', 'PINNED', 'KEPT', 'RECLAIMABLE', 'DELTAS', ''], repositories),
    '\n',
    table(['STORE', 'PACKS', ''], stores),
  ].join('');
}

function packWords(pack: ReclaimPlan['reclaim'][number]): string[] {
  return [
    pack.repositoryName,
    pack.jobNumber === null ? '' : `#${pack.jobNumber}`,
    pack.revision?.slice(0, 7) ?? '',
    pack.kind,
    pack.digest.slice(0, 12),
    formatSize(pack.sizeBytes),
  ];
}

function planText(plan: ReclaimPlan): string {
  const header = ['REPOSITORY', 'JOB', 'REVISION', 'PACK', 'DIGEST', 'SIZE'];
  const { logs } = plan;
  const kept = plan.kept.map(pack => [...packWords(pack), pack.reasons.join('; ')]);
  return [
    plan.reclaim.length === 0
      ? 'No pack can be reclaimed.\n'
      : `Packs to delete, here and in every region:\n${table(header, plan.reclaim.map(packWords))}`,
    logs.jobs === 0 ? '' : `Logs of ${logs.jobs} jobs to delete: ${formatSize(logs.sizeBytes)}\n`,
    ...plan.waiting.map(
      ({ name, ...share }) => `Reclaimed before, still to be deleted in ${plain(name)}: ${shareWords(share)}\n`,
    ),
    kept.length === 0 ? '' : `\nKept, and why:\n${table([...header, ''], kept)}`,
    `\n${formatSize(plan.sizeBytes)} to get back.\n`,
  ].join('');
}

function resultText(result: ReclaimResult): string {
  const lines = result.stores
    .filter(store => store.packs > 0 || store.stillNamed > 0 || store.error !== null)
    .map(({ name, packs, sizeBytes, stillNamed, error }) => {
      const named = stillNamed === 0 ? '' : `; ${stillNamed} stay as long as something there names them`;
      const later = error === null ? '' : `; the rest later: ${error.message}`;
      return `${plain(name)}: ${packs} packs deleted, ${formatSize(sizeBytes)}${named}${plain(later)}\n`;
    });
  const logs = result.logs.jobs === 0 ? '' : `Logs of ${result.logs.jobs} jobs deleted.\n`;
  return `${lines.join('')}${logs}Got back ${formatSize(result.sizeBytes)}.\n`;
}

export function addDiskCommands(program: Command): void {
  const disk = program
    .command('disk')
    .description('disk use by kind and by repository; what can be reclaimed')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const use = await callEngine(options, client => client.disk.use());
      print(use, options, useText(use));
    });
  disk
    .command('reclaim')
    .description(
      'delete packs and logs that nothing needs, here and in every region; says first which, and why the rest is kept',
    )
    .option('--dry-run', 'only say it')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { dryRun?: boolean }>();
      await callEngine(options, async client => {
        const plan = await client.disk.plan();
        if (options.dryRun) {
          print(plan, options, planText(plan));
          return;
        }
        say(planText(plan).trimEnd());
        // Of packs exactly what was said.
        const result = await client.disk.reclaim({ packs: plan.reclaim.map(pack => pack.digest) });
        print(result, options, resultText(result));
        if (result.stores.some(store => store.isMain && store.error !== null)) process.exitCode = exitCodes.failed;
      });
    });
  disk
    .command('keep')
    .description('of how many of its newest builds a repository keeps the packs, besides what is pinned')
    .argument('<builds>', 'a number, or "default" for what the installation keeps', text =>
      text === 'default' ? null : wholeNumber(1, 10_000)(text),
    )
    .requiredOption(
      '--repository <name>',
      'of which repository; "slipway settings set retention.builds" for all others',
    )
    .action(async (builds: number | null, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { repository: string }>();
      await callEngine(options, async client => {
        const { id, name } = await findRepository(client, options.repository);
        const result = await client.disk.keep({ repositoryId: id, builds });
        const what = builds === null ? 'as many builds as the installation says' : `its newest ${builds} builds`;
        print(result, options, `${plain(name)} keeps ${what}, and what is pinned.`);
      });
    });
}
