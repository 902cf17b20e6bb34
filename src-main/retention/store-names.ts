/** Owns what a store itself says is in use: packs that its pointers name, and packs of build records that this database does not know. */
import { z } from 'zod';
import { parseBuildStatement } from '../artifacts/build-record.ts';
import { type BuildFacts, idSchema, pointerSchema } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import type { Db } from '../database/open-database.ts';
import { maxDocumentBytes } from '../releases/signed-document.ts';
import { parseEnvelope } from '../secrets/dsse.ts';
import type { BlobStore } from '../stores/blob-store.ts';

const pointerKey = /^channels\/[^/]+\/[^/]+\.json$/;
const recordKey = /^builds\/[^/]+\/([0-9a-f-]{36})\.json$/;

function payloadOf(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(parseEnvelope(bytes).payload, 'base64').toString('utf8'));
}

/**
 * Digests of the packs that the pointers of a store name, whoever signed them: another control center's count too. Throws `store.*`, and
 * `store.malformed` for a pointer that cannot be read, since it may name anything.
 */
export async function packsOfPointers(store: BlobStore): Promise<ReadonlySet<string>> {
  const digests = new Set<string>();
  for await (const { key } of store.list('channels/')) {
    if (!pointerKey.test(key)) continue;
    const found = await store.read(key, maxDocumentBytes);
    if (found === null) continue;
    let packs: readonly { readonly digest: string }[];
    try {
      packs = pointerSchema.parse(payloadOf(found.bytes)).packs;
    } catch (error) {
      throw new DomainError(
        'store.malformed',
        `${key} in ${store.url} cannot be read, so nothing that it may name was deleted there. Release on that channel again.`,
        { key },
        { cause: error },
      );
    }
    for (const { digest } of packs) digests.add(digest);
  }
  return digests;
}

/** A record of a store that no row of builds stands for. */
export interface UnknownRecord {
  readonly buildId: string;
  readonly repositoryId: string;
  readonly packDigest: string;
  /** Made by an attempt of this database that ended before it was recorded; otherwise another control center's. */
  readonly isOurs: boolean;
}

/** Reads the records of a store that the database does not know; each once, since a record never changes. */
export function createRecordReader(db: Db): (store: BlobStore) => Promise<readonly UnknownRecord[]> {
  const read = new Map<string, BuildFacts | null>();

  async function factsOf(store: BlobStore, key: string): Promise<BuildFacts | null> {
    const name = `${store.url} ${key}`;
    const known = read.get(name);
    if (known !== undefined) return known;
    const found = await store.read(key, maxDocumentBytes);
    let facts: BuildFacts | null = null;
    try {
      if (found !== null) facts = parseBuildStatement(z.unknown().parse(payloadOf(found.bytes)));
    } catch {
      // What is no record names no pack; `slipway verify` is who tells of it.
    }
    read.set(name, facts);
    return facts;
  }

  return async store => {
    const known = new Set((await db.selectFrom('builds').select('id').execute()).map(({ id }) => id));
    const records: UnknownRecord[] = [];
    for await (const { key } of store.list('builds/')) {
      const id = idSchema.safeParse(recordKey.exec(key)?.[1]);
      if (!id.success || known.has(id.data)) continue;
      const facts = await factsOf(store, key);
      if (facts === null) continue;
      const job = await db.selectFrom('jobs').select('id').where('id', '=', facts.jobId).executeTakeFirst();
      const { repositoryId, pack } = facts;
      records.push({ buildId: id.data, repositoryId, packDigest: pack.digest, isOurs: job !== undefined });
    }
    return records;
  };
}
