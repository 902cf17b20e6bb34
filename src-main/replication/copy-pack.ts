/** Owns one copy: a pack and what belongs to it, from the main store to a region, proven by reading it back. */
import { createHash } from 'node:crypto';
import { storeKeys } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { type BuildRecord, listBuildsOfPack, type PackRecord } from '../database/builds.ts';
import type { Db } from '../database/open-database.ts';
import type { BlobSource, BlobStore } from '../stores/blob-store.ts';

/** Documents that are read whole on the way; larger ones have a path in a file system store. */
const maxDocumentBytes = 64 * 1024 * 1024;

/** SHA-256 of a blob in hex, by streaming; null where there is none. */
export async function digestOf(store: BlobStore, key: string, signal: AbortSignal): Promise<string | null> {
  if (!(await store.head(key))) return null;
  const hash = createHash('sha256');
  for await (const chunk of await store.get(key, { signal })) hash.update(chunk);
  return hash.digest('hex');
}

async function sourceOf(main: BlobStore, key: string): Promise<BlobSource> {
  const head = await main.head(key);
  const path = main.localPath(key);
  if (head && path) return { kind: 'file', path, sizeBytes: head.sizeBytes };
  const found = head ? await main.read(key, maxDocumentBytes) : null;
  if (found) return { kind: 'bytes', bytes: found.bytes };
  throw new DomainError(
    'store.not_found',
    `${key} is missing in the main store ${main.url}. Build the revision again.`,
    {
      key,
    },
  );
}

async function copyDocument(main: BlobStore, region: BlobStore, key: string): Promise<void> {
  const there = await region.head(key);
  const source = await sourceOf(main, key);
  const sizeBytes = source.kind === 'file' ? source.sizeBytes : source.bytes.byteLength;
  // These blobs never change under their key: the same size is the same document, unless an audit says otherwise.
  if (there?.sizeBytes !== sizeBytes) await region.put(key, source);
}

/** Copies the file list, the torrent, and the build records with their SBOMs that a machine needs beside the pack. */
async function copyDocuments(
  main: BlobStore,
  region: BlobStore,
  pack: PackRecord,
  builds: readonly BuildRecord[],
): Promise<void> {
  await copyDocument(main, region, storeKeys.fileList(pack.artifactId));
  await copyDocument(main, region, storeKeys.torrent(pack.digest));
  for (const build of builds) {
    const sbom = storeKeys.sbom(build.repositoryId, build.id);
    // Builds of before there were any have none.
    if ((await main.head(sbom)) !== null) await copyDocument(main, region, sbom);
    await copyDocument(main, region, storeKeys.build(build.repositoryId, build.id));
  }
}

/**
 * Copies a pack to a region and verifies it there. What is there already and is whole is not copied again.
 * Throws `store.*`, and `artifact.digest_mismatch` when the copy reads back differently (it is deleted then).
 */
export async function copyPack(options: {
  readonly db: Db;
  readonly main: BlobStore;
  readonly region: BlobStore;
  readonly pack: PackRecord;
  readonly signal: AbortSignal;
  readonly onProgress: (bytesDone: number) => void;
}): Promise<void> {
  const { main, region, pack, signal } = options;
  const key = storeKeys.pack(pack.digest);
  await copyDocuments(main, region, pack, await listBuildsOfPack(options.db, pack.digest));
  if ((await digestOf(region, key, signal)) === pack.digest) return;
  const copied = await region.copyFrom(main, key, { sha256: pack.digest, signal, onProgress: options.onProgress });
  if (!copied) {
    await region.put(key, await sourceOf(main, key), { sha256: pack.digest, signal, onProgress: options.onProgress });
  }
  if ((await digestOf(region, key, signal)) !== pack.digest) {
    await region.delete(key);
    throw new DomainError(
      'artifact.digest_mismatch',
      `The copy of pack ${pack.digest.slice(0, 12)} in ${region.url} reads back differently from what was written. It was deleted and is copied again; check that disk.`,
      { packDigest: pack.digest },
    );
  }
}
