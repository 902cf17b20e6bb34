/** Owns `slipway verify` and `slipway sbom`: what a store or a build says, held to its signatures and digests. */
import type { Command } from 'commander';
import { idSchema, publicKeySchema } from '../contract/documents.ts';
import { systemClock } from '../domain/clock.ts';
import { formatSize } from '../domain/format-size.ts';
import { type CheckedKind, checkedKinds } from '../releases/verify/store-check.ts';
import { verifyStore } from '../releases/verify/verify-store.ts';
import { fitting } from './arguments.ts';
import { callEngine, type EngineOptions, findJob } from './engine-client.ts';
import { exitCodes, type OutputOptions, plain, print, say, table } from './output.ts';
import { openNamedStore } from './stored-artifacts.ts';

/** How often a person is told how far it is: packs may have many gigabytes. */
const sayEveryBytes = 1024 ** 3;

const kindNames: Readonly<Record<CheckedKind, string>> = {
  trust: 'trust document',
  builds: 'build records',
  sboms: 'SBOMs',
  pointers: 'pointers',
  environments: 'environments',
  reports: 'reports',
  fileLists: 'file lists',
  torrents: 'torrents',
  packs: 'packs',
};

const rootKey = fitting(publicKeySchema, 'Give the root key that "slipway status" shows.');

export function addVerifyCommands(program: Command): void {
  program
    .command('verify <store-url>')
    .description('check everything in a store, without an engine: signatures, digests, and what names what')
    .option(
      '--key <root-public-key>',
      "the installation's root key; without it, the one that the store names is taken",
      rootKey,
    )
    .option('--all', 'go on after the first problem')
    .action(async (url: string, _options: unknown, command: Command) => {
      await verify(url, command.optsWithGlobals<OutputOptions & { key?: string; all?: boolean }>());
    });
  program
    .command('sbom <build-or-job>')
    .description('the components that the lock files of a build name, as CycloneDX 1.6 JSON')
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<EngineOptions & OutputOptions>();
      const { document } = await callEngine(options, async client => {
        const id = idSchema.safeParse(named).success ? named : (await findJob(client, named)).id;
        return client.builds.sbom({ id });
      });
      // The document is JSON already, and printed as it was signed for.
      process.stdout.write(document);
    });
}

async function verify(
  url: string,
  options: OutputOptions & { readonly key?: string; readonly all?: boolean },
): Promise<void> {
  const abort = new AbortController();
  const end = () => abort.abort(new Error('interrupted'));
  process.once('SIGINT', end);
  let saidBytes = 0;
  try {
    const result = await verifyStore({
      store: await openNamedStore(url),
      rootPublicKey: options.key ?? null,
      all: options.all ?? false,
      nowMs: systemClock(),
      signal: abort.signal,
      onProgress: (bytesRead, key) => {
        if (bytesRead - saidBytes < sayEveryBytes) return;
        saidBytes = bytesRead;
        say(`${formatSize(bytesRead)} read, at ${plain(key)}`);
      },
    });
    const rows = checkedKinds.map(kind => ['ok', kindNames[kind], String(result.checked[kind])]);
    const problems = result.problems.map(problem => ['BAD', problem.key, `${problem.message} (${problem.code})`]);
    const isGood = problems.length === 0;
    const end = isGood ? `Everything in the store holds; ${formatSize(result.bytesRead)} read.\n` : '';
    print(
      { ok: isGood, ...result },
      options,
      isGood ? `${table(['', 'WHAT', 'HELD'], rows)}${end}` : table(['', 'WHAT', ''], problems),
    );
    if (!result.isPinned && result.rootPublicKey !== null) {
      say(
        `Held to the root key that the store itself names, ${result.rootPublicKey}. Give the one that you trust with --key.`,
      );
    }
    if (!isGood) process.exitCode = exitCodes.failed;
  } finally {
    process.off('SIGINT', end);
  }
}
