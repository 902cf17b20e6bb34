/** Owns how a pack in a store is proven: by what the provider computed itself, or by reading it back, and never by both. */
import { storeKeys } from '../contract/documents.ts';
import { type PackRecord, packChecksums } from '../database/builds.ts';
import type { BlobChecksums, BlobHead, BlobStore } from '../stores/blob-store.ts';
import { missing, type Problem } from './pack-documents.ts';
import { digestOf } from './transfer.ts';

/** What the provider's checksums say: null where it has none that we know too. */
function checksumsAgree(theirs: BlobChecksums | undefined, ours: BlobChecksums): boolean | null {
  const known = (['crc32c', 'md5'] as const).filter(name => theirs?.[name] !== undefined && ours[name] !== undefined);
  if (known.length === 0) return null;
  return known.every(name => theirs?.[name] === ours[name]);
}

export type HeadProof =
  | { readonly kind: 'proven' }
  /** Only its bytes can tell. */
  | { readonly kind: 'unproven' }
  | { readonly kind: 'wrong'; readonly problem: Problem };

/** What a pack's head alone tells of its content. */
export function proofOfHead(pack: PackRecord, head: BlobHead | null): HeadProof {
  if (head === null) return { kind: 'wrong', problem: missing };
  if (head.sizeBytes !== pack.sizeBytes) {
    const detail = `it has ${head.sizeBytes} bytes instead of ${pack.sizeBytes}`;
    return { kind: 'wrong', problem: { problem: 'damaged', detail } };
  }
  const agrees = checksumsAgree(head.checksums, packChecksums(pack));
  if (agrees === null) return { kind: 'unproven' };
  if (agrees) return { kind: 'proven' };
  const detail = `the provider computed other checksums: ${JSON.stringify(head.checksums)}`;
  return { kind: 'wrong', problem: { problem: 'damaged', detail } };
}

/** What is wrong with a pack in a store, by its digest; null where it is right. */
export async function problemByDigest(
  store: BlobStore,
  pack: PackRecord,
  signal: AbortSignal,
  onRead: (bytes: number) => void,
): Promise<Problem | null> {
  const digest = await digestOf(store, storeKeys.pack(pack.digest), signal, onRead);
  if (digest === pack.digest) return null;
  return digest === null ? missing : { problem: 'damaged', detail: `it reads back as sha256 ${digest.slice(0, 12)}` };
}
