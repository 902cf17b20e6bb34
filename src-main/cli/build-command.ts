/** Owns `slipway build`: what it takes, what it leaves in --out, and what it says. */
import { copyFile, mkdir, realpath, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Command } from 'commander';
import { storeKeys } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import { describeIsolation } from '../contract/isolation.ts';
import { formatSize } from '../domain/format-size.ts';
import { hostPlatform } from '../releases/platform.ts';
import { environmentNames } from '../worker/environment.ts';
import { chosenFolder, type EngineOptions } from './engine-client.ts';
import type { LocalBuild } from './local-build.ts';
import { type OutputOptions, plain, print, table } from './output.ts';
import { placeFile } from './place-file.ts';

type BuildOptions = EngineOptions &
  OutputOptions & { readonly out?: string; readonly revision?: string; readonly branch?: string };

export function addBuildCommand(program: Command): void {
  program
    .command('build <path>')
    .description('one build of a working tree or a revision; no engine is needed')
    .option('--out <folder>', 'where pack, file list, torrent, facts and log are kept; nowhere if left out')
    .option('--revision <name>', 'a branch or commit of the repository at <path> (or a URL), not the tree as it lies')
    .option('--branch <name>', 'the branch that steps with "when" see; the one that is checked out if left out')
    .action(async (path: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<BuildOptions>();
      const result = await runBuild(path, options);
      const rows = result.steps.map(step => [
        step.status,
        `${((step.durationMs ?? 0) / 1_000).toFixed(1)} s`,
        step.name,
      ]);
      print(
        result,
        options,
        [
          table(['STATUS', 'TIME', 'STEP'], rows).trimEnd(),
          `Artifact ${result.artifactId}, ${result.fileCount} files, ${formatSize(result.treeSizeBytes)}`,
          `Pack     ${result.pack.digest}, ${formatSize(result.pack.sizeBytes)}`,
          plain(`Built    ${describeIsolation(result.isolation)}`),
          result.out === null ? 'Nothing was kept; --out DIR keeps it.' : plain(`Kept in  ${result.out}`),
        ].join('\n'),
      );
    });
}

async function runBuild(path: string, options: BuildOptions) {
  const out = options.out === undefined ? null : resolve(options.out);
  if (out !== null) await assertFolder(out);
  const abort = new AbortController();
  const end = () => abort.abort(new DomainError('job.cancelled', 'Cancelled.'));
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  try {
    // With all that a build needs: other commands start without it.
    const { buildLocally } = await import('./local-build.ts');
    return await buildLocally(
      {
        path: options.revision !== undefined && /^https?:\/\//i.test(path) ? path : resolve(path),
        revision: options.revision ?? null,
        branch: options.branch ?? null,
        leftOut: out === null ? null : await realpath(out),
        dataFolder: chosenFolder(options).root,
        signal: abort.signal,
        onLog: showLines,
        onProgress: line => process.stderr.write(`${line}\n`),
      },
      async build => {
        const facts = factsOf(build);
        const files = out === null ? null : await keepBuild(out, build, facts);
        return { ...facts, steps: build.steps, out, files };
      },
    );
  } finally {
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  }
}

/** Colours are for a terminal whose owner wants them. */
function showLines(lines: Uint8Array): void {
  const isPlain = !process.stderr.isTTY || Boolean(process.env.NO_COLOR);
  process.stderr.write(isPlain ? stripVTControlCharacters(Buffer.from(lines).toString('utf8')) : lines);
}

/** Said before the build, and not after it. */
async function assertFolder(out: string): Promise<void> {
  const facts = await stat(out).catch(() => null);
  if (facts !== null && !facts.isDirectory()) {
    throw new DomainError('conflict', `${out} is a file, so nothing can be kept in it; name a folder.`, { path: out });
  }
  await mkdir(out, { recursive: true }).catch(error => {
    throw unwritable(out, error);
  });
}

const unwritable = (out: string, error: unknown) =>
  new DomainError('data.unwritable', `The build cannot be kept in ${out}: ${messageOf(error)}`, { path: out });

/** What a build record says, without what belongs to an installation: its ids, and its signature. */
function factsOf({ plan, tools, artifact, isolation, ...build }: LocalBuild) {
  const { tree, pack } = artifact;
  return {
    revision: build.revision,
    branch: build.branch,
    isClean: build.isClean,
    platform: hostPlatform(),
    artifactId: tree.artifactId,
    pack,
    fileCount: tree.fileCount,
    treeSizeBytes: tree.treeSizeBytes,
    plan,
    isolation,
    tools: tools.tools,
    environmentNames: environmentNames(plan, build.environment),
    startedAtMs: build.startedAtMs,
    finishedAtMs: build.finishedAtMs,
  };
}

/** Lays the build out as a store has it, the facts last: where they are, all that they name is whole. */
async function keepBuild(out: string, build: LocalBuild, facts: ReturnType<typeof factsOf>) {
  const { tree, pack, packFile, torrent } = build.artifact;
  const files = {
    pack: storeKeys.pack(pack.digest),
    fileList: storeKeys.fileList(tree.artifactId),
    torrent: storeKeys.torrent(pack.digest),
    log: 'build.log',
    facts: 'build.json',
  };
  try {
    await placeFile(join(out, files.pack), temporary => copyFile(packFile, temporary));
    await placeFile(join(out, files.fileList), temporary => writeFile(temporary, tree.fileList));
    await placeFile(join(out, files.torrent), temporary => writeFile(temporary, torrent));
    await placeFile(join(out, files.log), temporary => copyFile(build.logFile, temporary));
    await placeFile(join(out, files.facts), temporary => writeFile(temporary, `${JSON.stringify(facts, null, 2)}\n`));
  } catch (error) {
    throw unwritable(out, error);
  }
  return files;
}
