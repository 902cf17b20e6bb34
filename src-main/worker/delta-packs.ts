/** Owns the step that makes delta packs against what the channels run now. It never fails a job: the full pack serves. */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openPackFile, PackContent, type RangeSource } from '../artifacts/delta-content.ts';
import { makeDelta } from '../artifacts/delta-make.ts';
import { readSignature, writeSignature } from '../artifacts/delta-signature.ts';
import { decodeFileList, maximumFileListBytes } from '../artifacts/file-list.ts';
import { type FileEntry, type Pack, storeKeys } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import {
  type BuildWithPack,
  checksumColumns,
  findBuild,
  insertPack,
  listDeltaPacks,
  type PackRecord,
} from '../database/builds.ts';
import type { Db } from '../database/open-database.ts';
import { findRelease, listChannels } from '../database/releases.ts';
import { formatSize } from '../domain/format-size.ts';
import { hostPlatform } from '../releases/platform.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { createMetainfo } from '../swarm/metainfo.ts';
import { type AttemptRun, asStep } from './attempt-run.ts';
import { holdArtifact } from './hold-artifact.ts';

export const deltaStep = { name: 'Delta packs', phase: 'publish' } as const;
/** Each base costs a pass over what changed, and a pack in every region. */
const maximumBases = 3;
/** A delta of more than this share of the full pack is not clearly smaller: not worth a second pack in every region. */
const worthwhileShare = 0.7;
/** Chunk signatures that are kept; a base without one is read once more. */
const keptSignatures = 8;

/** The builds that channels of the repository run now, of this platform, one for each artifact. */
export async function findDeltaBases(db: Db, repositoryId: string): Promise<BuildWithPack[]> {
  const platform = JSON.stringify(hostPlatform());
  const bases = new Map<string, BuildWithPack>();
  for (const channel of await listChannels(db, repositoryId)) {
    const release = channel.currentReleaseId === null ? null : await findRelease(db, channel.currentReleaseId);
    const build = release === null ? null : await findBuild(db, release.buildId);
    if (build?.platform === platform && !bases.has(build.artifactId)) bases.set(build.artifactId, build);
  }
  return [...bases.values()].slice(0, maximumBases);
}

/** A full pack wherever the main store keeps it: as a file, or read by ranges. */
async function openPack(store: BlobStore, pack: Pick<Pack, 'digest' | 'sizeBytes'>, signal: AbortSignal) {
  const key = storeKeys.pack(pack.digest);
  const path = store.localPath(key);
  if (path !== null) return openPackFile(path);
  const source: RangeSource = {
    sizeBytes: pack.sizeBytes,
    async read(start, lengthBytes) {
      const chunks: Buffer[] = [];
      const range = { start, end: start + lengthBytes - 1 };
      for await (const chunk of await store.get(key, { range, signal })) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      if (bytes.length === lengthBytes) return bytes;
      throw new DomainError('store.malformed', `${key} is cut short in ${store.url}. Build the revision again.`, {
        key,
      });
    },
    close: () => Promise.resolve(),
  };
  return source;
}

async function readEntries(store: BlobStore, artifactId: string): Promise<FileEntry[]> {
  const key = storeKeys.fileList(artifactId);
  const found = await store.read(key, maximumFileListBytes);
  if (found !== null) return decodeFileList(found.bytes, artifactId);
  throw new DomainError('store.not_found', `${key} is missing in the main store ${store.url}.`, { key });
}

interface Target {
  readonly pack: Pick<Pack, 'digest' | 'sizeBytes' | 'artifactId'>;
  readonly store: BlobStore;
}

async function openArtifact(run: AttemptRun, { pack, store }: Target) {
  const entries = await readEntries(store, pack.artifactId);
  const content = await PackContent.open(await openPack(store, pack, run.signal), entries);
  return { artifactId: pack.artifactId, entries, content };
}

async function keepSignatures({ folder }: AttemptRun): Promise<void> {
  const files = await Promise.all(
    (await readdir(folder.chunks)).map(async name => {
      const path = join(folder.chunks, name);
      return { path, mtimeMs: (await stat(path)).mtimeMs };
    }),
  );
  files.sort((one, other) => other.mtimeMs - one.mtimeMs);
  for (const { path } of files.slice(keptSignatures)) await rm(path, { force: true });
}

type MadePack = Pack & Pick<PackRecord, 'crc32c' | 'md5'>;

/** One delta, whole in the main store; null where it is not worth it. Throws `artifact.*`, `store.*`, system errors. */
async function makeOne(run: AttemptRun, target: Target, base: BuildWithPack): Promise<MadePack | null> {
  const { folder, signal } = run;
  const { store, pack } = target;
  const work = join(run.workFolder, 'delta');
  await mkdir(work, { recursive: true });
  await mkdir(folder.chunks, { recursive: true });
  const outFile = join(work, base.artifactId);
  // A channel may go on while its release is read as the base.
  await holdArtifact(run, base);
  const to = await openArtifact(run, target);
  try {
    const from = await openArtifact(run, {
      store,
      pack: { digest: base.packDigest, sizeBytes: base.sizeBytes, artifactId: base.artifactId },
    });
    try {
      const made = await makeDelta({
        base: from,
        target: to,
        baseSignature: await readSignature(folder.chunksOf(base.artifactId)),
        outFile,
        md5: run.wantsMd5 ?? false,
        maximumBytes: Math.floor(pack.sizeBytes * worthwhileShare),
        signal,
        ...(run.onProgress ? { onProgress: run.onProgress } : {}),
      });
      if (made === null) return null;
      const { digest, sizeBytes, pieceLengthBytes, pieces, signatures, checksums } = made;
      if (signatures !== null) {
        await writeSignature(folder.chunksOf(base.artifactId), signatures.base);
        await writeSignature(folder.chunksOf(pack.artifactId), signatures.target);
        await keepSignatures(run);
      }
      const { torrent, infoHash } = createMetainfo({ name: `${digest}.tar.zst`, sizeBytes, pieceLengthBytes, pieces });
      await holdArtifact(run, { packDigest: digest, artifactId: pack.artifactId });
      await store.put(
        storeKeys.pack(digest),
        { kind: 'file', path: outFile, sizeBytes },
        { sha256: digest, checksums, signal, ...(run.onProgress ? { onProgress: run.onProgress } : {}) },
      );
      await store.put(storeKeys.torrent(digest), { kind: 'bytes', bytes: torrent });
      const { artifactId } = pack;
      const delta: Pack = { digest, kind: 'delta', artifactId, baseArtifactId: base.artifactId, sizeBytes, infoHash };
      return { ...delta, ...checksumColumns(checksums) };
    } finally {
      await from.content.close();
    }
  } finally {
    await to.content.close();
    await rm(outFile, { force: true });
  }
}

/**
 * Makes a delta pack against each artifact that a channel runs, as a step of its own, and puts it into the main store, where
 * the full pack lies already. Returns what records them in the database, to be run in the transaction that ends the job.
 * Throws only what ends an attempt from outside: the signal's reason, `job.fenced`, `data.*`.
 */
export async function makeDeltaPacks(
  run: AttemptRun,
  options: Target & { readonly position: number },
): Promise<(transaction: Db) => Promise<void>> {
  const { db, signal, clock } = run;
  const { pack } = options;
  return asStep(run, { position: options.position, name: deltaStep.name }, async () => {
    const known = new Set((await listDeltaPacks(db, pack.artifactId)).map(delta => delta.baseArtifactId));
    const made: MadePack[] = [];
    const told: string[] = [];
    for (const base of await findDeltaBases(db, run.repository.id)) {
      const name = base.artifactId.slice(0, 12);
      if (base.artifactId === pack.artifactId || known.has(base.artifactId)) {
        told.push(`against ${name}: nothing to do`);
        continue;
      }
      try {
        const delta = await makeOne(run, options, base);
        if (delta !== null) made.push(delta);
        told.push(
          delta === null
            ? `against ${name}: not clearly smaller than the full pack`
            : `against ${name}: ${formatSize(delta.sizeBytes)} instead of ${formatSize(pack.sizeBytes)}`,
        );
      } catch (error) {
        signal.throwIfAborted();
        told.push(`against ${name}: not made, machines take the full pack. ${messageOf(error)}`);
        run.logger.warn('delta.not_made', { artifactId: pack.artifactId, baseArtifactId: base.artifactId, error });
      }
    }
    const storedAt = clock();
    return {
      result: async (transaction: Db) => {
        for (const delta of made) await insertPack(transaction, { ...delta, storedAt });
      },
      detail: told.join('; ') || 'no channel runs anything',
      skipped: made.length === 0,
    };
  });
}
