/** Owns the check of what certifies itself: file lists by their name, packs by their name and by the pieces of their torrent. */
import { createHash } from 'node:crypto';
import { decodeFileList, maximumFileListBytes } from '../../artifacts/file-list.ts';
import { sha256Schema, storeKeys } from '../../contract/documents.ts';
import { DomainError } from '../../contract/errors.ts';
import type { Metainfo } from '../../swarm/metainfo.ts';
import { assertSame, type StoreCheck, unknownName } from './store-check.ts';

const hashBytes = 20;
/** `7:privatei1eee`: what stands behind the piece hashes in the one form of torrent that is accepted. */
const torrentTrailerBytes = 14;

/** Checks everything below `artifacts/`. */
export async function checkFileLists(check: StoreCheck): Promise<void> {
  for await (const { key } of check.store.list('artifacts/')) {
    await check.of('fileLists', key, async () => {
      const artifactId = /^artifacts\/([^/]+)\.json$/.exec(key)?.[1];
      if (artifactId === undefined || !sha256Schema.safeParse(artifactId).success) return unknownName(key);
      decodeFileList(await check.read(key, maximumFileListBytes), artifactId);
    });
  }
}

/** The piece hashes of what was streamed through it. Source: BEP 3, `pieces`. */
class PieceHasher {
  readonly #pieceLengthBytes: number;
  readonly #pieces: Buffer[] = [];
  #piece = createHash('sha1');
  #pieceBytes = 0;

  constructor(pieceLengthBytes: number) {
    this.#pieceLengthBytes = pieceLengthBytes;
  }

  update(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + this.#pieceLengthBytes - this.#pieceBytes);
      this.#piece.update(part);
      this.#pieceBytes += part.length;
      done += part.length;
      if (this.#pieceBytes === this.#pieceLengthBytes) this.#end();
    }
  }

  #end(): void {
    this.#pieces.push(this.#piece.digest());
    this.#piece = createHash('sha1');
    this.#pieceBytes = 0;
  }

  finish(): Buffer {
    if (this.#pieceBytes > 0) this.#end();
    return Buffer.concat(this.#pieces);
  }
}

async function checkPack(
  check: StoreCheck,
  key: string,
  digest: string,
  torrent: { readonly metainfo: Metainfo; readonly bytes: Uint8Array } | null,
): Promise<void> {
  const hash = createHash('sha256');
  const pieces = torrent === null ? null : new PieceHasher(torrent.metainfo.pieceLengthBytes);
  const sizeBytes = await check.stream(key, chunk => {
    hash.update(chunk);
    pieces?.update(chunk);
  });
  assertSame(key, hash.digest('hex'), digest);
  if (torrent === null || pieces === null) return;
  const end = torrent.bytes.length - torrentTrailerBytes;
  const stated = torrent.bytes.subarray(end - torrent.metainfo.pieceCount * hashBytes, end);
  if (sizeBytes !== torrent.metainfo.sizeBytes || !pieces.finish().equals(stated)) {
    throw new DomainError(
      'artifact.digest_mismatch',
      `${storeKeys.torrent(digest)} does not fit the pack, which is whole: machines would refuse its pieces. Build the revision again.`,
      { key: storeKeys.torrent(digest) },
    );
  }
}

/** Checks everything below `packs/`; each pack is read once, as a stream. */
export async function checkPacks(check: StoreCheck): Promise<void> {
  const torrents = new Set<string>();
  const packs = new Map<string, string>();
  for await (const { key } of check.store.list('packs/')) {
    const [, digest, suffix] = /^packs\/([0-9a-f]{64})\.(torrent|tar\.zst)$/.exec(key) ?? [];
    if (digest === undefined) await check.of('packs', key, async () => unknownName(key));
    else if (suffix === 'torrent') torrents.add(digest);
    else packs.set(digest, key);
  }
  for (const digest of torrents) {
    const key = storeKeys.torrent(digest);
    const torrent = await check.of('torrents', key, async () => {
      // An attempt that ended in between leaves a pack without a torrent, but never the reverse.
      if (!packs.has(digest))
        throw new DomainError('store.not_found', `${key} has no pack beside it. Replicate the pack again.`, { key });
      return check.torrentOf(digest);
    });
    const packKey = packs.get(digest);
    if (packKey !== undefined) await check.of('packs', packKey, () => checkPack(check, packKey, digest, torrent));
    packs.delete(digest);
  }
  for (const [digest, key] of packs) await check.of('packs', key, () => checkPack(check, key, digest, null));
}
