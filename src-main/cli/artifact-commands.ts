/** Owns `slipway artifact`: what is in an artifact, one file of it, its torrent, and whether it is whole. */
import type { Command } from 'commander';
import { readPackedFile } from '../artifacts/read-packed-file.ts';
import { type FileEntry, storeKeys } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { formatSize } from '../domain/format-size.ts';
import { findArtifactId, findStoredPack, readStoredList, storedBuilds } from '../releases/stored-artifact.ts';
import { wholeNumber } from './arguments.ts';
import { callEngine, type EngineOptions } from './engine-client.ts';
import { exitCodes, type OutputOptions, plain, print, table } from './output.ts';
import { addPinCommands } from './pin-commands.ts';
import { chosenStore, type StoreOptions } from './stored-artifacts.ts';
import { type TorrentOptions, writeTorrent } from './torrent-file.ts';
import { writeBytes } from './write-bytes.ts';

type Options = StoreOptions & OutputOptions;

/** Up to here a file is held in memory and given out only when its digest held. */
const maxHeldBytes = 64 * 1024 * 1024;
const storeOption = [
  '--store <url>',
  'a store to read without an engine; the main store of the running one if left out',
] as const;

export function addArtifactCommands(program: Command): void {
  const artifact = program.command('artifact').description('what jobs made');
  artifact
    .command('list [artifact-id]')
    .description('the artifacts in a store, newest first; or the files of one')
    .option(...storeOption)
    .option('--limit <n>', 'of how many builds', wholeNumber(1, 100_000), 50)
    .action(async (named: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { limit: number }>();
      await (named === undefined ? listArtifacts(options) : listFiles(named, options));
    });
  artifact
    .command('cat <artifact-id> <path>')
    .description('one file of an artifact, read out of its pack without the rest')
    .option(...storeOption)
    .action(async (named: string, path: string, _options: unknown, command: Command) => {
      await cat(named, path, command.optsWithGlobals<Options>());
    });
  artifact
    .command('torrent <artifact-id>')
    .description('the torrent of its full pack, for other clients')
    .option(...storeOption)
    .option(
      '--region <name>',
      "complete, for a week: with the region's object as web seed where it has URLs, and a tracker",
    )
    .option('--out <file>', 'where to write it; to stdout if left out')
    .action(async (named: string, _options: unknown, command: Command) => {
      await writeTorrent(named, command.optsWithGlobals<TorrentOptions>());
    });
  addPinCommands(artifact);
  artifact
    .command('verify <artifact-id>')
    .description('check pack, file list and build record in the main store')
    .action(async (artifactId: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<EngineOptions & OutputOptions>();
      const result = await callEngine(options, client => client.artifacts.verify({ artifactId }));
      print(
        result,
        options,
        table(
          ['', 'WHAT', ''],
          result.checks.map(check => [check.ok ? 'ok' : 'BAD', check.name, check.detail]),
        ),
      );
      if (result.checks.some(check => !check.ok)) process.exitCode = exitCodes.failed;
    });
}

async function listArtifacts(options: Options & { readonly limit: number }): Promise<void> {
  const store = await chosenStore(options);
  const builds = [];
  for await (const facts of storedBuilds(store)) {
    if (builds.length >= options.limit) break;
    const { artifactId, buildId, repositoryId, repositoryUrl, revision, platform, pack, finishedAtMs } = facts;
    builds.push({ artifactId, buildId, repositoryId, repositoryUrl, revision, platform, pack, finishedAtMs });
  }
  const lines = builds.map(item => [
    item.artifactId.slice(0, 12),
    item.revision.slice(0, 7),
    formatSize(item.pack.sizeBytes),
    new Date(item.finishedAtMs).toISOString().slice(0, 19),
    item.buildId,
    item.repositoryUrl,
  ]);
  print(builds, options, table(['ARTIFACT', 'REVISION', 'PACK', 'BUILT', 'BUILD', 'REPOSITORY'], lines));
}

async function listFiles(named: string, options: Options): Promise<void> {
  const store = await chosenStore(options);
  const artifactId = await findArtifactId(store, named);
  const entries = await readStoredList(store, artifactId);
  const lines = entries.map(fileLine);
  print({ artifactId, entries }, options, table(['', 'SIZE', 'SHA-256', 'PATH'], lines));
}

function fileLine(entry: FileEntry): string[] {
  switch (entry.kind) {
    case 'file':
      return [entry.executable ? 'x' : '-', formatSize(entry.sizeBytes), entry.sha256.slice(0, 12), entry.path];
    case 'link':
      return ['l', '', '', `${entry.path} -> ${entry.target}`];
    case 'directory':
      return ['d', '', '', `${entry.path}/`];
  }
}

function fileAt(entries: readonly FileEntry[], path: string, artifactId: string): Extract<FileEntry, { kind: 'file' }> {
  const entry = entries.find(candidate => candidate.path === path);
  if (entry?.kind === 'file') return entry;
  const what =
    entry === undefined ? 'has no' : entry.kind === 'link' ? `has a link to ${entry.target} at` : 'has a folder at';
  throw new DomainError(
    'not_found',
    `Artifact ${artifactId.slice(0, 12)} ${what} ${JSON.stringify(path)}. "slipway artifact list ${artifactId.slice(0, 12)}" shows its files.`,
    { path },
  );
}

async function cat(named: string, path: string, options: Options): Promise<void> {
  const store = await chosenStore(options);
  const artifactId = await findArtifactId(store, named);
  const entries = await readStoredList(store, artifactId);
  const file = fileAt(entries, path, artifactId);
  const isHeld = file.sizeBytes <= maxHeldBytes;
  if (!isHeld && (options.json || process.stdout.isTTY)) {
    throw new DomainError(
      'artifact.too_large',
      `${JSON.stringify(path)} has ${formatSize(file.sizeBytes)}. Redirect it into a file: slipway artifact cat … > file.`,
    );
  }
  const pack = await findStoredPack(store, artifactId);
  const abort = new AbortController();
  const chunks = readPackedFile({ store, packKey: storeKeys.pack(pack.digest), entries, signal: abort.signal }, file);
  if (!isHeld) {
    for await (const chunk of chunks) await writeBytes(process.stdout, chunk);
    return;
  }
  const held: Uint8Array[] = [];
  for await (const chunk of chunks) held.push(chunk);
  const content = Buffer.concat(held);
  if (options.json) {
    const { sizeBytes, sha256 } = file;
    print(
      { artifactId, path, sizeBytes, sha256, encoding: 'base64', content: content.toString('base64') },
      options,
      '',
    );
  } else if (process.stdout.isTTY) {
    process.stdout.write(forTerminal(content, path));
  } else {
    await writeBytes(process.stdout, content);
  }
}

/** Text for a terminal, with every control character but tab and line end made visible. Throws `input.invalid` for what is no text. */
export function forTerminal(content: Uint8Array, path: string): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    text = '\0';
  }
  if (text.includes('\0')) {
    throw new DomainError(
      'input.invalid',
      `${JSON.stringify(path)} is no text, and a terminal could take it for commands. Redirect it into a file: slipway artifact cat … > file.`,
    );
  }
  return text
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map(line => line.split('\t').map(plain).join('\t'))
    .join('\n');
}
