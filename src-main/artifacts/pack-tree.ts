/** Owns making a full pack of a tree: one streaming pass from files to digest, pack and torrent pieces. */
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import type { FileEntry } from '../contract/documents.ts';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { artifactIdOf, encodeFileList } from './file-list.ts';
import { FrameCompressor, threadCount } from './frame-compressor.ts';
import { FrameFiller } from './frame-filler.ts';
import { PackFile, pieceLengthFor } from './pack-file.ts';
import { compilePathPattern } from './path-pattern.ts';
import { assertSafeEntries } from './safe-path.ts';
import { type ScanFilter, type ScannedEntry, scanTree } from './scan-tree.ts';
import { encodeSeekTable, type SeekFrame } from './seek-table.ts';
import { ReadAhead, readFully, type ScannedFile, unreadable, withSourceFile } from './source-file.ts';
import { tarEndBytes, tarEntryBytes, tarHeader, tarPaddingBytes } from './tar-header.ts';
import { ProgressMeter, type TreeProgress } from './tree-progress.ts';

export interface PackTreeOptions {
  readonly root: string;
  /** Paths or globs relative to `root`; `.` takes the whole tree. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly outFile: string;
  /** Compression threads; all cores but one where it is not given. The bytes do not depend on it. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** In bytes of the tree; called about once for every MiB. */
  readonly onProgress?: (progress: TreeProgress) => void;
}

export interface PackedTree {
  readonly artifactId: string;
  readonly entries: FileEntry[];
  /** The canonical file list, as it is stored. */
  readonly fileList: Uint8Array;
  /** SHA-256 of the pack, in hex. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly treeSizeBytes: number;
  readonly pieceLengthBytes: number;
  /** SHA-1 of each piece, one after the other. Source: BEP 3. */
  readonly pieces: Uint8Array;
  /** What was included and matched nothing; often a step that did not make what it should. */
  readonly unmatchedIncludes: readonly string[];
}

type PackableEntry = Exclude<ScannedEntry, { kind: 'other' }>;

/** Version control and our own working files, at any depth and in any spelling that some file system takes for theirs. */
const neverPacked = /(^|\/)\.(git|slipway)$/i;

function makeFilter(options: PackTreeOptions): ScanFilter & { unmatched(): string[] } {
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
    reachesInto: folder => include.some(pattern => pattern.reachesInto(folder)),
    unmatched: () => include.map(pattern => pattern.text).filter(text => !matched.has(text)),
  };
}

function assertPackable(scanned: readonly ScannedEntry[]): PackableEntry[] {
  const packable = scanned.map(entry => {
    if (entry.kind !== 'other') return entry;
    throw new DomainError(
      'artifact.unsupported_file',
      entry.reason === 'name is not UTF-8'
        ? `The name of ${JSON.stringify(entry.path)} is not valid UTF-8. Rename it, or exclude it from the artifact.`
        : `${JSON.stringify(entry.path)} is a device, socket or pipe, which an artifact cannot hold. Exclude it from the artifact, or make the build end the program that holds it.`,
      { path: entry.path },
    );
  });
  assertSafeEntries(packable);
  if (packable.every(entry => entry.kind === 'directory')) {
    throw new DomainError(
      'artifact.empty',
      'Nothing in the checkout is part of the artifact. Check that the build makes what the plan includes, and that it is not excluded.',
    );
  }
  return packable;
}

class TreePacker {
  readonly #options: PackTreeOptions;
  readonly #root: string;
  readonly #filler: FrameFiller;
  readonly #ahead: ReadAhead;
  readonly #entries: readonly PackableEntry[];
  readonly #progress: ProgressMeter;

  constructor(
    options: PackTreeOptions,
    root: string,
    entries: readonly PackableEntry[],
    bytesTotal: number,
    filler: FrameFiller,
  ) {
    this.#options = options;
    this.#root = root;
    this.#entries = entries;
    this.#progress = new ProgressMeter(bytesTotal, options.onProgress);
    this.#filler = filler;
    this.#ahead = new ReadAhead(root, entries);
  }

  async run(): Promise<FileEntry[]> {
    const listed: FileEntry[] = [];
    try {
      for (const [index, entry] of this.#entries.entries()) {
        this.#options.signal?.throwIfAborted();
        this.#filler.startEntry(tarEntryBytes(entry));
        await this.#filler.append(tarHeader(entry));
        listed.push(entry.kind === 'file' ? await this.#packFile(entry, this.#ahead.take(index)) : entry);
      }
    } finally {
      await this.#ahead.settle();
    }
    await this.#filler.append(new Uint8Array(tarEndBytes));
    this.#filler.flush();
    this.#progress.finish();
    return listed;
  }

  async #packFile(file: ScannedFile, ahead: Promise<Uint8Array> | undefined): Promise<FileEntry> {
    const { kind, path, executable, sizeBytes } = file;
    const hash = createHash('sha256');
    if (ahead === undefined) {
      await withSourceFile(this.#root, file, async handle => {
        for (let done = 0; done < sizeBytes; ) {
          this.#options.signal?.throwIfAborted();
          const room = await this.#filler.reserve(sizeBytes - done);
          await readFully(handle, file, room, done);
          hash.update(room);
          done += room.length;
          this.#progress.advance(room.length);
        }
      });
    } else {
      const bytes = await ahead;
      hash.update(bytes);
      await this.#filler.append(bytes);
      this.#progress.advance(bytes.length);
    }
    await this.#filler.append(new Uint8Array(tarPaddingBytes(sizeBytes)));
    return { kind, path, executable, sizeBytes, sha256: hash.digest('hex') };
  }
}

function unwritable(error: unknown, outFile: string): unknown {
  const code = systemErrorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const message = `The disk is full: the pack ${outFile} could not be written. Free some space; the build is tried again.`;
    return new DomainError('store.full', message, { path: outFile }, { cause: error });
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    const message = `The pack ${outFile} cannot be written (${code}). Give the user that Slipway runs as the right to write there.`;
    return new DomainError('data.unwritable', message, { path: outFile }, { cause: error });
  }
  return error;
}

async function scanForPack(
  options: PackTreeOptions,
  filter: ScanFilter,
): Promise<{ root: string; entries: PackableEntry[] }> {
  try {
    const root = await realpath(options.root);
    return { root, entries: assertPackable(await scanTree(root, filter, options.signal)) };
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw unreadable(error, options.root);
    const message = `The tree ${options.root} is not there, or a part of it went away while it was read. Build again.`;
    throw new DomainError('not_found', message, { path: options.root }, { cause: error });
  }
}

/**
 * Packs what the patterns name of a tree into `outFile`, a `.tar.zst` whose bytes depend on the tree alone.
 *
 * The pack appears under its name whole and durable, or not at all; no trace is left by a failure or an abort. `.git` and
 * `.slipway` are never packed. Memory: 4 MiB and zstd's own for each
 * thread, 15 MiB more, and about 1 KiB for each file, whatever its size. May be repeated.
 *
 * Throws `artifact.empty`, `artifact.unsafe_path`, `artifact.unsupported_file`, `artifact.too_large`, `input.invalid` (a
 * pattern), `conflict` (a file changed while it was read), `not_found` (no such tree), `store.full`, `data.unwritable`, and the
 * signal's reason.
 */
export async function packTree(options: PackTreeOptions): Promise<PackedTree> {
  const filter = makeFilter(options);
  const { root, entries } = await scanForPack(options, filter);
  const treeSizeBytes = entries.reduce((total, entry) => total + (entry.kind === 'file' ? entry.sizeBytes : 0), 0);
  const pieceLengthBytes = pieceLengthFor(treeSizeBytes);
  const frames: SeekFrame[] = [];
  const file = await PackFile.create(options.outFile, pieceLengthBytes).catch(error => {
    throw unwritable(error, options.outFile);
  });
  const compressor = new FrameCompressor(threadCount(options.threads), async (frame, contentBytes) => {
    frames.push({ compressedBytes: frame.length, contentBytes });
    await file.write(frame).catch(error => {
      throw unwritable(error, options.outFile);
    });
  });
  try {
    const packer = new TreePacker(options, root, entries, treeSizeBytes, new FrameFiller(compressor));
    const listed = await packer.run();
    await compressor.finish();
    const fileList = encodeFileList(listed);
    await file.write(encodeSeekTable(frames));
    options.signal?.throwIfAborted();
    const finished = await file.finish();
    return {
      artifactId: artifactIdOf(fileList),
      entries: listed,
      fileList,
      ...finished,
      treeSizeBytes,
      pieceLengthBytes,
      unmatchedIncludes: filter.unmatched(),
    };
  } catch (error) {
    throw unwritable(error, options.outFile);
  } finally {
    await compressor.close();
    await file.discard();
  }
}
