/** Owns a machine that has one version and fetches the next from a store, and the count of all bytes that it reads there. */
import { mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { zstdCompressSync } from 'node:zlib';
import { agentFolder, openAgentFolder } from '../../../src-main/agent/agent-folder.ts';
import { fetchRelease } from '../../../src-main/agent/fetch-release.ts';
import { type Pack, storeKeys } from '../../../src-main/contract/documents.ts';
import type { BlobStore } from '../../../src-main/stores/blob-store.ts';
import { createFilesystemStore } from '../../../src-main/stores/filesystem-store.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { deltaBetween, type PackedVersion } from '../../support/delta-fixtures.ts';
import { runProgram } from '../bench.ts';

/** The share at which the worker gives a delta up; the bench holds to it too. */
const worthwhileShare = 0.7;
/** How finely a large file is compared for what really changed. */
const blockBytes = 4_096;

function counting(store: BlobStore): { readonly store: BlobStore; read(): number } {
  let bytes = 0;
  return {
    read: () => bytes,
    store: {
      ...store,
      // Nothing is read past the count.
      localPath: () => null,
      async read(key, maxBytes) {
        const found = await store.read(key, maxBytes);
        bytes += found?.bytes.length ?? 0;
        return found;
      },
      async get(key, options) {
        const counted = new PassThrough();
        counted.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        counted.pause();
        return (await store.get(key, options)).pipe(counted);
      },
    },
  };
}

async function putVersion(store: BlobStore, { packed, packFile }: PackedVersion): Promise<Pack> {
  const { artifactId, digest, sizeBytes } = packed;
  await store.put(storeKeys.fileList(artifactId), { kind: 'bytes', bytes: packed.fileList });
  await store.put(storeKeys.pack(digest), { kind: 'file', path: packFile, sizeBytes });
  return { digest, kind: 'full', artifactId, baseArtifactId: null, sizeBytes, infoHash: '0'.repeat(40) };
}

export interface Received {
  readonly bytes: number;
  readonly fullBytes: number;
  readonly kind: 'delta' | 'full' | 'nothing';
}

/** Brings `old` to a machine, then `fresh`; returns what the second took. */
export async function receive(folder: string, old: PackedVersion, fresh: PackedVersion): Promise<Received> {
  const storeFolder = join(folder, 'store');
  await mkdir(storeFolder);
  const store = createFilesystemStore(storeFolder);
  const first = await putVersion(store, old);
  const second = await putVersion(store, fresh);
  const deltas: Pack[] = [];
  const outFile = join(folder, 'delta');
  if (first.artifactId !== second.artifactId) {
    const made = await deltaBetween(old, fresh, outFile, { maximumBytes: second.sizeBytes * worthwhileShare });
    if (made !== null) {
      const { digest, sizeBytes } = made;
      await store.put(storeKeys.pack(digest), { kind: 'file', path: outFile, sizeBytes });
      deltas.push({ ...second, kind: 'delta', baseArtifactId: first.artifactId, digest, sizeBytes });
    }
  }
  const machine = agentFolder(join(folder, 'machine'));
  const lock = await openAgentFolder(machine);
  const fetch = async (from: BlobStore, pack: Pack, runningArtifactId: string | null) =>
    fetchRelease({
      folder: machine,
      stores: [from],
      swarm: null,
      guard: null,
      runningArtifactId,
      shared: [],
      pack,
      deltas: pack === second ? deltas : [],
      onPack: () => undefined,
      findPeers: () => Promise.resolve([]),
      onProgress: () => undefined,
      signal: new AbortController().signal,
      givesNothing: false,
      fetching: new AbortController().signal,
      logger: silentLogger,
    });
  await fetch(store, first, null);
  const counted = counting(store);
  const { pack } = await fetch(counted.store, second, first.artifactId);
  lock.release();
  const kind = counted.read() === 0 ? 'nothing' : pack.kind;
  return { bytes: counted.read(), fullBytes: second.sizeBytes, kind };
}

/** What of a large file differs from the one before under its name, block by block. */
async function differingBlocks(before: string, after: string): Promise<Buffer[]> {
  const [one, other] = [await open(before), await open(after)];
  const blocks: Buffer[] = [];
  const [a, b] = [Buffer.alloc(blockBytes * 256), Buffer.alloc(blockBytes * 256)];
  for (let position = 0; ; position += a.length) {
    const { bytesRead } = await other.read(b, 0, b.length, position);
    if (bytesRead === 0) break;
    await one.read(a, 0, a.length, position);
    for (let at = 0; at < bytesRead; at += blockBytes) {
      const block = b.subarray(at, Math.min(at + blockBytes, bytesRead));
      if (!a.subarray(at, at + block.length).equals(block)) blocks.push(Buffer.from(block));
    }
  }
  await one.close();
  await other.close();
  return blocks;
}

/** The bytes that are in no file of the old tree, compressed at zstd's level 3: files whole, large ones of the same size by block. */
export async function changedBytes(old: PackedVersion, fresh: PackedVersion): Promise<number> {
  const known = new Set(old.entries.flatMap(entry => (entry.kind === 'file' ? [entry.sha256] : [])));
  const parts: Buffer[] = [];
  for (const entry of fresh.entries) {
    if (entry.kind !== 'file' || known.has(entry.sha256)) continue;
    known.add(entry.sha256);
    const before = join(old.folder, entry.path);
    const isLarge =
      entry.sizeBytes > 16 * 1024 * 1024 && (await stat(before).catch(() => null))?.size === entry.sizeBytes;
    if (isLarge) parts.push(...(await differingBlocks(before, join(fresh.folder, entry.path))));
    else parts.push(await readFile(join(fresh.folder, entry.path)));
  }
  const all = Buffer.concat(parts);
  return all.length === 0 ? 0 : zstdCompressSync(all, { chunkSize: 4 * 1024 * 1024 }).length;
}

/** What `rsync -az` sends to a machine that has the old tree, in bytes. */
export async function rsyncBytes(folder: string, old: PackedVersion, fresh: PackedVersion): Promise<number> {
  const copy = join(folder, 'rsync');
  await runProgram('rsync', ['-a', `${old.folder}/`, `${copy}/`]);
  const stats = await runProgram('rsync', [
    '-az',
    '--no-whole-file',
    // Files of the same size and second would pass for the same file.
    '--ignore-times',
    '--delete',
    '--stats',
    `${fresh.folder}/`,
    `${copy}/`,
  ]);
  await rm(copy, { recursive: true });
  const found = /Total bytes sent: ([\d,]+)/.exec(stats)?.[1];
  if (found === undefined) throw new Error(`rsync says nothing of bytes: ${stats}`);
  return Number(found.replaceAll(',', ''));
}

/** The size of what xdelta3 makes of the two tars, in bytes. */
export async function xdeltaBytes(folder: string, old: PackedVersion, fresh: PackedVersion): Promise<number> {
  const [one, other, out] = [join(folder, 'one.tar'), join(folder, 'other.tar'), join(folder, 'vcdiff')];
  for (const [version, file] of [
    [old, one],
    [fresh, other],
  ] as const) {
    await runProgram('tar', ['--sort=name', '--mtime=@0', '-cf', file, '-C', version.folder, '.']);
  }
  await runProgram('xdelta3', ['-e', '-f', '-s', one, other, out]);
  const { size } = await stat(out);
  for (const file of [one, other, out]) await rm(file);
  return size;
}
