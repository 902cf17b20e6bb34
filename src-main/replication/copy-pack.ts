/** Owns one copy: a pack and what belongs to it, from the main store to a region, proven by the provider's checksums or by its digest. */
import { storeKeys, type Trust } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { type PackRecord, packChecksums } from '../database/builds.ts';
import type { Db } from '../database/open-database.ts';
import type { BlobHead, BlobStore } from '../stores/blob-store.ts';
import { documentKeys, documentsOfPack, type PackDocument, versionsOf } from './pack-documents.ts';
import { problemByDigest, proofOfHead } from './pack-proof.ts';
import { isSameProvider, type TransferOptions, transfer } from './transfer.ts';

export interface CopyOptions extends Omit<TransferOptions, 'sha256' | 'checksums'> {
  readonly db: Db;
  readonly trust: Trust;
  readonly main: BlobStore;
  /** Stores of other regions whose copy is verified. */
  readonly others: readonly BlobStore[];
  readonly region: BlobStore;
  readonly pack: PackRecord;
  /** An audit found what is there to be wrong: it is not read once more to be told so. */
  readonly isKnownWrong: boolean;
}

/** At which versions a pack and its documents were proven. */
export interface ProvenVersions {
  readonly packVersion: string;
  readonly documentsVersion: string;
}

/** What is wrong is wrong with the source: `details.source` says so, and the main store is looked at. */
function damagedSource(main: BlobStore, key: string, what: string): DomainError {
  return new DomainError(
    'artifact.digest_mismatch',
    `${key} ${what} in the main store ${main.url}. It is repaired from a region that has it, or build the revision again.`,
    { key, source: 'main' },
  );
}

/** Makes one document of a store right, from the first of `sources` that has it right. False where none has. */
export async function restoreDocument(
  document: PackDocument,
  sources: readonly BlobStore[],
  to: BlobStore,
  options: TransferOptions,
): Promise<boolean> {
  for (const source of sources) {
    // A source that is out of reach is passed over; the store that is to be repaired is not.
    const problem = await document.problemIn(source, options.signal).catch(() => 'unknown');
    if (problem !== null) continue;
    await transfer([source], to, document.key, options);
    if ((await document.problemIn(to, options.signal)) === null) return true;
  }
  return false;
}

async function copyDocuments(options: CopyOptions): Promise<void> {
  const { db, main, others, region, pack, trust, signal, onSent, onRead, staging } = options;
  const sources = [main, ...others];
  const quiet = { staging, signal, throttle: async () => undefined, onSent, onRead };
  for (const document of await documentsOfPack(db, pack, trust, sources)) {
    if ((await document.problemIn(region, signal)) === null) continue;
    if (!(await restoreDocument(document, sources, region, quiet))) {
      throw damagedSource(main, document.key, 'is missing or damaged');
    }
  }
}

/** The head of a pack that is there and right already, without reading what its head can prove; null where it must be copied. */
async function headIfThere({ region, pack, isKnownWrong, signal, onRead }: CopyOptions): Promise<BlobHead | null> {
  if (isKnownWrong) return null;
  const head = await region.head(storeKeys.pack(pack.digest));
  const proof = proofOfHead(pack, head);
  if (proof.kind === 'wrong') return null;
  if (proof.kind === 'proven') return head;
  return (await problemByDigest(region, pack, signal, onRead)) === null ? head : null;
}

async function write(options: CopyOptions): Promise<BlobHead> {
  const { main, others, region, pack } = options;
  const key = storeKeys.pack(pack.digest);
  const near = others.filter(other => isSameProvider(other, region));
  try {
    return await transfer([main, ...near], region, key, {
      ...options,
      sha256: pack.digest,
      checksums: packChecksums(pack),
    });
  } catch (error) {
    const isSource =
      error instanceof DomainError &&
      (error.code === 'artifact.digest_mismatch' || error.code === 'store.not_found') &&
      proofOfHead(pack, await main.head(key)).kind !== 'proven';
    if (!isSource) throw error;
    if ((await main.head(key)) === null) {
      throw new DomainError(
        'store.not_found',
        `${key} is missing in the main store ${main.url}. It is copied back from a region that has it. If none has it: Build the revision again.`,
        { key, source: 'main' },
      );
    }
    throw error.code === 'store.not_found' ? error : damagedSource(main, key, 'is damaged');
  }
}

/**
 * Copies a pack to a region and proves it there. What is there already and is whole is not copied again. Throws `store.*`, and
 * `artifact.digest_mismatch` when the copy reads back differently (it is deleted then) or the main store's own is damaged.
 */
export async function copyPack(options: CopyOptions): Promise<ProvenVersions> {
  const { region, pack, signal, onRead } = options;
  const key = storeKeys.pack(pack.digest);
  await copyDocuments(options);
  const there = await headIfThere(options);
  const head = there ?? (await write(options));
  if (there === null) {
    const proof = proofOfHead(pack, head);
    const problem = proof.kind === 'unproven' ? await problemByDigest(region, pack, signal, onRead) : null;
    if (proof.kind === 'wrong' || problem !== null) {
      await region.delete(key);
      throw new DomainError(
        'artifact.digest_mismatch',
        `The copy of pack ${pack.digest.slice(0, 12)} in ${region.url} reads back differently from what was written. It was deleted and is copied again; check that disk.`,
        { packDigest: pack.digest },
      );
    }
  }
  const documentsVersion = await versionsOf(region, await documentKeys(options.db, pack));
  return { packVersion: head.version, documentsVersion };
}
