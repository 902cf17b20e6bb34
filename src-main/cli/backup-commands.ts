/** Owns `slipway backup` and `slipway restore`: a whole installation in one file, and back in an empty folder. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { BackupResult } from '../contract/backup.ts';
import { DomainError } from '../contract/errors.ts';
import { formatSize } from '../domain/format-size.ts';
import { callEngine, chosenFolder, type EngineOptions } from './engine-client.ts';
import { type OutputOptions, plain, print, say } from './output.ts';

type Options = EngineOptions & OutputOptions;

const lookEveryMs = 250;

/** Says every tenth of the way. */
function progressTeller(): (doneBytes: number, totalBytes: number) => void {
  let told = 0;
  return (doneBytes, totalBytes) => {
    const tenth = totalBytes === 0 ? 0 : Math.floor((10 * doneBytes) / totalBytes);
    if (tenth <= told) return;
    told = tenth;
    say(`${formatSize(doneBytes)} of ${formatSize(totalBytes)}`);
  };
}

async function backupByEngine(options: Options, file: string, artifacts: boolean): Promise<BackupResult> {
  return callEngine(options, async client => {
    const tell = progressTeller();
    const stopping = stopSignal();
    let view = await client.backup.start({ file, artifacts });
    while (view.state === 'running') {
      await delay(lookEveryMs, undefined, { signal: stopping }).catch(() => undefined);
      view = stopping.aborted ? await client.backup.cancel() : await client.backup.get();
      tell(view.doneBytes, view.totalBytes);
    }
    if (view.error) throw DomainError.fromView(view.error);
    if (view.result === null || view.file !== file)
      throw new DomainError('conflict', 'Another backup was made meanwhile.');
    return view.result;
  });
}

/** By the running engine; where none runs, here. */
async function backup(options: Options, file: string, artifacts: boolean): Promise<BackupResult> {
  try {
    return await backupByEngine(options, file, artifacts);
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'host.not_running') throw error;
  }
  const { root, databaseFile } = chosenFolder(options);
  if (!existsSync(databaseFile)) {
    throw new DomainError('not_found', `There is no installation in ${root}. Name its folder with --data.`, { root });
  }
  const { backupInThread } = await import('../backup/backup-in-thread.ts');
  const tell = progressTeller();
  return backupInThread(
    { root, file, artifacts },
    { signal: stopSignal(), onProgress: ({ doneBytes, totalBytes }) => tell(doneBytes, totalBytes) },
  );
}

function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort());
  return stopping.signal;
}

const keyWords = (store: string) =>
  `The master key is held by the system's key store (${store}) and is not in it: only the desktop app of the same user on that machine opens the secrets and signing keys. To restore elsewhere, run "slipway key unwrap" there and back up again.`;

function backupWords(result: BackupResult): string {
  const lines = [`Backed up ${result.files} files into ${plain(result.file)}: ${formatSize(result.sizeBytes)}.`];
  if (result.packsLeftOut > 0) {
    lines.push(
      `Without ${result.packsLeftOut} packs: they come from the regions after a restore. "--artifacts" takes them too.`,
    );
  }
  lines.push(
    result.keyWrappedBy === null
      ? 'The master key is in it: whoever reads the file can read every secret and sign releases.'
      : keyWords(plain(result.keyWrappedBy)),
  );
  return lines.join('\n');
}

async function restore(options: Options, given: string, onlyCheck: boolean): Promise<void> {
  const { checkBackup, restoreBackup } = await import('../backup/restore-backup.ts');
  const file = resolve(given);
  if (onlyCheck) {
    const { header, entries, sizeBytes } = await checkBackup(file, stopSignal());
    const data = { ...header, files: entries.length, sizeBytes };
    const made = new Date(header.createdAtMs).toISOString();
    print(data, options, `Whole: ${entries.length} files, ${formatSize(sizeBytes)}, of ${made}.`);
    return;
  }
  if (options.data === undefined) {
    throw new DomainError('input.invalid', 'Name the empty folder to restore into with --data.', { field: 'data' });
  }
  const { root } = chosenFolder(options);
  const { header, ...restored } = await restoreBackup(file, root, stopSignal());
  const notes = [
    'End the installation that the backup is of before you start this one: two of them would release beside each other.',
    'Mirrors and caches do not come along; they are made again.',
    ...(header.artifacts || !header.storeIsInside ? [] : ['Packs are not in it: they are copied from the regions.']),
    ...(header.keyWrappedBy === null ? [] : [keyWords(plain(header.keyWrappedBy))]),
    ...(restored.storeUrls.length === 0
      ? []
      : [`These stores must be reachable from here: ${restored.storeUrls.map(plain).join(', ')}`]),
    'Before the first release the regions are asked how far releases went since, so that no number is given twice.',
  ];
  const made = new Date(header.createdAtMs).toISOString();
  print(
    { ...restored, folder: root, madeAtMs: header.createdAtMs, keyWrappedBy: header.keyWrappedBy, notes },
    options,
    [
      `Restored into ${plain(root)}, as of ${made}: ${restored.repositories} repositories, ${restored.jobs} jobs, ${restored.releases} releases.`,
      ...notes.map(note => `- ${note}`),
      `Start it: slipway serve --data ${plain(root)}`,
    ].join('\n'),
  );
}

export function addBackupCommands(program: Command): void {
  program
    .command('backup <file>')
    .description('the whole installation in one file, while it runs: database, keys, logs, what the main store says')
    .option('--artifacts', 'the packs of the main store too')
    .action(async (given: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { artifacts?: boolean }>();
      const result = await backup(options, resolve(given), options.artifacts ?? false);
      print(result, options, backupWords(result));
    });
  program
    .command('restore <file>')
    .description('a backup into the empty folder of --data, on this machine or another')
    .option('--check', 'read the backup and hold it to its digests; nothing is written')
    .action(async (given: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { check?: boolean }>();
      await restore(options, given, options.check ?? false);
    });
}
