/** Owns what lies beside a pack in every store (file list, torrent, build records, SBOMs), and what makes each of them right. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseBuildStatement } from '../artifacts/build-record.ts';
import { type BuildFacts, storeKeys, type Trust } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import { type BuildRecord, listBuildsOfPack, type PackRecord } from '../database/builds.ts';
import type { Db } from '../database/open-database.ts';
import { verifyBuild } from '../releases/build-document.ts';
import { maxDocumentBytes } from '../releases/signed-document.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { parseMetainfo } from '../swarm/metainfo.ts';
import { digestOf } from './transfer.ts';

const maxTorrentBytes = 8 * 1024 * 1024;

/** What is wrong with a blob, or that it is not there. */
export interface Problem {
  readonly problem: 'missing' | 'damaged' | 'stale' | 'misplaced';
  readonly detail: string;
}

export const missing: Problem = { problem: 'missing', detail: 'it is not there' };

export interface PackDocument {
  readonly key: string;
  /** What is wrong with it in a store; null where it is right. Throws `store.*` where that cannot be told. */
  problemIn(store: BlobStore, signal: AbortSignal): Promise<Problem | null>;
}

function byDigest(key: string, digest: string): PackDocument {
  return {
    key,
    async problemIn(store, signal) {
      const found = await digestOf(store, key, signal);
      if (found === digest) return null;
      return found === null ? missing : { problem: 'damaged', detail: `it reads back as sha256 ${found.slice(0, 12)}` };
    },
  };
}

function byReading(key: string, maxBytes: number, assertRight: (bytes: Uint8Array) => void): PackDocument {
  return {
    key,
    async problemIn(store) {
      try {
        const found = await store.read(key, maxBytes);
        if (found === null) return missing;
        assertRight(found.bytes);
        return null;
      } catch (error) {
        if (!isWrongContent(error)) throw error;
        return { problem: 'damaged', detail: messageOf(error) };
      }
    },
  };
}

/** Whether the content is wrong, and not the store out of reach. */
function isWrongContent(error: unknown): boolean {
  if (!(error instanceof DomainError)) return error instanceof z.ZodError;
  // A store says so of what is larger than such a document may be; of a folder in its place, a repair will say it again.
  return error.code === 'store.malformed' || !error.code.startsWith('store.');
}

/** The facts of a build's record. Throws `trust.*`, `artifact.malformed`, `store.malformed` where it is not ours or not in its place. */
function readRecord(bytes: Uint8Array, build: BuildRecord, pack: PackRecord, trust: Trust): BuildFacts {
  const facts = parseBuildStatement(verifyBuild(bytes, trust, z.unknown()));
  const isPlaced = facts.buildId === build.id && facts.repositoryId === build.repositoryId;
  if (isPlaced && facts.pack.digest === pack.digest) return facts;
  throw new DomainError('trust.untrusted', `it is the record of build ${facts.buildId}, in the place of ${build.id}`);
}

/** The record as the first store has it that has it whole; null where none has. */
async function findFacts(
  stores: readonly BlobStore[],
  build: BuildRecord,
  pack: PackRecord,
  trust: Trust,
): Promise<BuildFacts | null> {
  for (const store of stores) {
    try {
      const found = await store.read(storeKeys.build(build.repositoryId, build.id), maxDocumentBytes);
      if (found) return readRecord(found.bytes, build, pack, trust);
    } catch {
      // The next store may have it; what is wrong with this one is found where it is looked at itself.
    }
  }
  return null;
}

/** What lies beside a pack. `stores` are asked in their order for the record that names an SBOM. */
export async function documentsOfPack(
  db: Db,
  pack: PackRecord,
  trust: Trust,
  stores: readonly BlobStore[],
): Promise<PackDocument[]> {
  const documents = [
    byDigest(storeKeys.fileList(pack.artifactId), pack.artifactId),
    byReading(storeKeys.torrent(pack.digest), maxTorrentBytes, bytes => {
      const { name } = parseMetainfo(bytes, pack.infoHash);
      if (name !== `${pack.digest}.tar.zst`)
        throw new DomainError('artifact.malformed', `it is the torrent of ${name}`);
    }),
  ];
  for (const build of await listBuildsOfPack(db, pack.digest)) {
    const sbom = (await findFacts(stores, build, pack, trust))?.sbom;
    // Builds of before there were any have none.
    if (sbom) documents.push(byDigest(storeKeys.sbom(build.repositoryId, build.id), sbom.digest));
    documents.push(
      byReading(storeKeys.build(build.repositoryId, build.id), maxDocumentBytes, bytes => {
        readRecord(bytes, build, pack, trust);
      }),
    );
  }
  return documents;
}

/** The keys of what may lie beside a pack, without a look at any store. */
export async function documentKeys(db: Db, pack: Pick<PackRecord, 'digest' | 'artifactId'>): Promise<string[]> {
  const builds = await listBuildsOfPack(db, pack.digest);
  return [
    storeKeys.fileList(pack.artifactId),
    storeKeys.torrent(pack.digest),
    ...builds.flatMap(({ repositoryId, id }) => [storeKeys.sbom(repositoryId, id), storeKeys.build(repositoryId, id)]),
  ];
}

/** A digest over the versions of blobs: it changes when any of them is written, or goes. */
export async function versionsOf(store: BlobStore, keys: readonly string[]): Promise<string> {
  const heads = await Promise.all(keys.map(key => store.head(key)));
  const text = keys.map((key, index) => `${key} ${heads[index]?.version ?? 'none'}`).join('\n');
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
