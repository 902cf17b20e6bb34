/** Owns what of a tree a pack is made of: what the patterns name, in order, and nothing that an artifact cannot hold. */
import { realpath } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { DomainError, type ErrorView, systemErrorCode } from '../contract/errors.ts';
import { threadPath } from '../process/entry-points.ts';
import { PackingListBuilder, type PackingListMemory } from './packing-list.ts';
import { compilePathPattern } from './path-pattern.ts';
import { assertDistinctNames, assertEntryCount, assertSafeLink, assertSafePath } from './safe-path.ts';
import { type ScanFilter, type ScanListener, type ScannedEntry, scanTree } from './scan-tree.ts';
import { unreadable } from './source-file.ts';

export interface PackScanOptions {
  readonly root: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

export interface PackScan {
  /** Without links. */
  readonly root: string;
  readonly list: PackingListMemory;
  readonly unmatchedIncludes: readonly string[];
}

export type PackScanAnswer = { readonly scan: PackScan } | { readonly error: ErrorView };

/** Version control and our own working files, at any depth and in any spelling that some file system takes for theirs. */
const neverPacked = /(^|\/)\.(git|slipway)$/i;

function makeFilter(options: PackScanOptions): ScanFilter & { unmatched(): string[] } {
  const include = options.include.map(compilePathPattern);
  const exclude = options.exclude.map(compilePathPattern);
  const matched = new Set<string>();
  return {
    skips: path => neverPacked.test(path) || exclude.some(pattern => pattern.matches(path)),
    takes: path => {
      const hits = include.filter(pattern => pattern.matches(path));
      for (const pattern of hits) matched.add(pattern.text);
      return hits.length > 0;
    },
    // To know of each pattern whether it named anything at all.
    looksInside: () => matched.size < include.length,
    reachesInto: folder => include.some(pattern => pattern.reachesInto(folder)),
    unmatched: () => include.map(pattern => pattern.text).filter(text => !matched.has(text)),
  };
}

/** Holds what was found to the rules of artifacts as it comes, since a list of a million entries as objects would be most of the memory. */
class PackableEntries implements ScanListener {
  readonly builder = new PackingListBuilder();
  isEmpty = true;

  entry(entry: ScannedEntry): void {
    if (entry.kind === 'other') {
      throw new DomainError(
        'artifact.unsupported_file',
        entry.reason === 'name is not UTF-8'
          ? `The name of ${JSON.stringify(entry.path)} is not valid UTF-8. Rename it, or exclude it from the artifact.`
          : `${JSON.stringify(entry.path)} is a device, socket or pipe, which an artifact cannot hold. Exclude it from the artifact, or make the build end the program that holds it.`,
        { path: entry.path },
      );
    }
    assertSafePath(entry.path);
    if (entry.kind === 'link') assertSafeLink(entry.path, entry.target);
    if (entry.kind !== 'directory') this.isEmpty = false;
    this.builder.add(entry);
    assertEntryCount(this.builder.count);
  }

  folder(folder: string, names: readonly string[]): void {
    assertDistinctNames(folder, names);
  }

  finish(): PackingListMemory {
    if (this.isEmpty) {
      throw new DomainError(
        'artifact.empty',
        'Nothing in the checkout is part of the artifact. Check that the build makes what the plan includes, and that it is not excluded.',
      );
    }
    return this.builder.finish();
  }
}

/** Looks through the tree; see `packTree` for what it throws. */
export async function scanForPack(options: PackScanOptions): Promise<PackScan> {
  const filter = makeFilter(options);
  try {
    const root = await realpath(options.root);
    const entries = new PackableEntries();
    await scanTree(root, filter, entries);
    return { root, list: entries.finish(), unmatchedIncludes: filter.unmatched() };
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw unreadable(error, options.root);
    const message = `The tree ${options.root} is not there, or a part of it went away while it was read. Build again.`;
    throw new DomainError('not_found', message, { path: options.root }, { cause: error });
  }
}

/** As `scanForPack`, in a thread of its own. Throws also the signal's reason. */
export async function scanInThread(options: PackScanOptions, signal: AbortSignal | undefined): Promise<PackScan> {
  signal?.throwIfAborted();
  const { root, include, exclude } = options;
  const thread = new Worker(threadPath('scan-thread'), {
    name: 'slipway-scan',
    workerData: { root, include, exclude },
    // In MiB: what is told of an entry is garbage at once, and a small nursery is cleared before it has grown.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
  let abort = (): void => undefined;
  try {
    const answer = await new Promise<PackScanAnswer>((resolve, reject) => {
      abort = () => reject(signal?.reason);
      signal?.addEventListener('abort', abort);
      thread.once('message', resolve);
      thread.once('error', reject);
      thread.once('exit', code => reject(new Error(`The thread that scans the tree ended early with code ${code}.`)));
    });
    if ('error' in answer) throw DomainError.fromView(answer.error);
    return answer.scan;
  } finally {
    signal?.removeEventListener('abort', abort);
    await thread.terminate();
  }
}
