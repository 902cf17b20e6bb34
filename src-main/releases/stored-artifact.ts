/** Owns finding an artifact in a store without an engine: by its id or the beginning of it, with its builds and its full pack. */
import { z } from 'zod';
import { parseBuildStatement } from '../artifacts/build-record.ts';
import { decodeFileList, maximumFileListBytes } from '../artifacts/file-list.ts';
import { type BuildFacts, type FileEntry, type Pack, storeKeys } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { parseEnvelope } from '../secrets/dsse.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { maxDocumentBytes } from './signed-document.ts';

const recordKey = /^builds\/[^/]+\/[0-9a-f-]{36}\.json$/;
/** Fewer digits of an id would mean any artifact. */
const minPrefixLength = 6;

/**
 * The records in a store, newest first. Their signatures are not checked here: what is read by them is held to digests that the artifact's
 * own id certifies. A record that cannot be read is passed over; `slipway verify` is who says so.
 */
export async function* storedBuilds(store: BlobStore): AsyncGenerator<BuildFacts> {
  const keys: { readonly key: string; readonly buildId: string }[] = [];
  for await (const { key } of store.list('builds/')) {
    if (recordKey.test(key)) keys.push({ key, buildId: key.slice(key.lastIndexOf('/') + 1) });
  }
  // Ids are UUIDv7: they sort by their time.
  keys.sort((a, b) => (a.buildId < b.buildId ? 1 : -1));
  for (const { key } of keys) {
    const found = await store.read(key, maxDocumentBytes).catch(passOver);
    if (found === null) continue;
    const facts = readUnchecked(found.bytes);
    if (facts !== null) yield facts;
  }
}

function passOver(error: unknown): null {
  if (error instanceof DomainError && error.code === 'store.malformed') return null;
  throw error;
}

function readUnchecked(bytes: Uint8Array): BuildFacts | null {
  try {
    const payload: unknown = JSON.parse(Buffer.from(parseEnvelope(bytes).payload, 'base64').toString('utf8'));
    return parseBuildStatement(z.unknown().parse(payload));
  } catch {
    return null;
  }
}

/** The whole id of the artifact that `named` begins. Throws `input.invalid`, `not_found`, `conflict`. */
export async function findArtifactId(store: BlobStore, named: string): Promise<string> {
  const prefix = named.toLowerCase();
  if (!/^[0-9a-f]+$/.test(prefix) || prefix.length < minPrefixLength || prefix.length > 64) {
    throw new DomainError(
      'input.invalid',
      `${JSON.stringify(named.slice(0, 80))} is no artifact id: give 64 hex digits, or at least the first ${minPrefixLength}.`,
    );
  }
  const ids: string[] = [];
  for await (const { key } of store.list(`artifacts/${prefix}`)) {
    const id = /^artifacts\/([0-9a-f]{64})\.json$/.exec(key)?.[1];
    if (id !== undefined) ids.push(id);
    if (ids.length > 1) {
      throw new DomainError('conflict', `Several artifacts begin with ${prefix}: give more digits.`, { ids });
    }
  }
  const [id] = ids;
  if (id !== undefined) return id;
  throw new DomainError(
    'not_found',
    `No artifact in ${store.url} begins with ${prefix}. "slipway artifact list" shows them.`,
    { named },
  );
}

/** The artifact's file list, in the order of its full pack. Throws `not_found`, `artifact.*`. */
export async function readStoredList(store: BlobStore, artifactId: string): Promise<FileEntry[]> {
  const found = await store.read(storeKeys.fileList(artifactId), maximumFileListBytes);
  if (found === null)
    throw new DomainError('not_found', `The file list of ${artifactId} is not in ${store.url}.`, { artifactId });
  return decodeFileList(found.bytes, artifactId);
}

/** The full pack of the artifact, as the newest record names it that has one in the store. Throws `not_found`. */
export async function findStoredPack(store: BlobStore, artifactId: string): Promise<Pack> {
  for await (const { artifactId: made, pack } of storedBuilds(store)) {
    if (made === artifactId && (await store.head(storeKeys.pack(pack.digest))) !== null) return pack;
  }
  throw new DomainError(
    'not_found',
    `No build record in ${store.url} names a pack of artifact ${artifactId} that is there.`,
    { artifactId },
  );
}
