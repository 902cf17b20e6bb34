/** Owns the .torrent file of a pack: making one, and accepting none but the one form that we make. Knows no network. */
import { createHash } from 'node:crypto';
import bencode, { type Bencodable } from 'bencode';
import { DomainError } from '../contract/errors.ts';

/** BEP 3 calls a piece's SHA-1 a string of 20 bytes. */
const hashBytes = 20;
/** Blocks are 16 KiB on the wire, so a smaller piece would not hold one; a larger piece than 16 MiB is memory held per connection. */
const minPieceBytes = 16 * 1024;
const maxPieceBytes = 16 * 1024 * 1024;
/** At 4 MiB a piece this is a pack of 1.7 TB; what is larger is not a torrent of ours. */
const maxTorrentBytes = 8 * 1024 * 1024;
/** All that stands before the piece hashes is shorter than this. */
const maxHeaderBytes = 512;

const namePattern = /^[0-9a-f]{64}\.tar\.zst$/;
const headerPattern =
  /^d4:infod6:lengthi([1-9][0-9]{0,15})e4:name72:([0-9a-f]{64}\.tar\.zst)12:piece lengthi([1-9][0-9]{0,8})e6:pieces([1-9][0-9]{0,7}):/;
const trailer = '7:privatei1eee';
/** `d4:info` opens the outer dictionary and one `e` closes it: the info dictionary is what lies between. */
const outerOpenBytes = 'd4:info'.length;

export interface Metainfo {
  /** `<sha256>.tar.zst`. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly pieceLengthBytes: number;
  readonly pieceCount: number;
  /** SHA-1 of the info dictionary, in hex. */
  readonly infoHash: string;
}

/** SHA-1 of every piece, one after another, of a torrent that was parsed. */
export function pieceHashesOf(torrent: Uint8Array, { pieceCount }: Metainfo): Uint8Array {
  const end = torrent.byteLength - trailer.length;
  return torrent.subarray(end - pieceCount * hashBytes, end);
}

function malformed(reason: string, details: Record<string, unknown> = {}): DomainError {
  return new DomainError(
    'artifact.malformed',
    `The torrent is refused: ${reason}. Build the pack again, or read it from a store.`,
    details,
  );
}

/** Refuses sizes that no pack of ours has; `pieceHashBytes` is the length of the `pieces` string. */
function checkSizes(sizeBytes: number, pieceLengthBytes: number, pieceHashBytes: number): void {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1) throw malformed('its length is no number of bytes');
  const powerOfTwo = Number.isInteger(Math.log2(pieceLengthBytes));
  if (!powerOfTwo || pieceLengthBytes < minPieceBytes || pieceLengthBytes > maxPieceBytes) {
    throw malformed('its piece length is not a power of two between 16 KiB and 16 MiB', { pieceLengthBytes });
  }
  const expectedPieces = Math.ceil(sizeBytes / pieceLengthBytes);
  if (pieceHashBytes !== expectedPieces * hashBytes) {
    throw malformed('it has another number of pieces than its length asks for', {
      expectedPieces,
      pieces: pieceHashBytes / hashBytes,
    });
  }
}

/**
 * The torrent of one pack: private, one file, without tracker or web seed, the same bytes for the same input.
 * `pieces` is the SHA-1 of every piece, one after another. Throws `artifact.malformed`.
 * Sources: BEP 3 (metainfo), BEP 27 (private).
 */
export function createMetainfo(input: {
  readonly name: string;
  readonly sizeBytes: number;
  readonly pieceLengthBytes: number;
  readonly pieces: Uint8Array;
}): { torrent: Uint8Array; infoHash: string } {
  if (!namePattern.test(input.name)) throw malformed('its file is not named <sha256>.tar.zst', { name: input.name });
  checkSizes(input.sizeBytes, input.pieceLengthBytes, input.pieces.byteLength);
  const torrent = bencode.encode({
    info: {
      length: input.sizeBytes,
      name: input.name,
      'piece length': input.pieceLengthBytes,
      pieces: input.pieces,
      private: 1,
    },
  });
  if (torrent.byteLength > maxTorrentBytes) throw malformed('it is larger than 8 MiB; take longer pieces');
  return { torrent, infoHash: infoHashOf(torrent) };
}

/**
 * The torrent for clients that know no store: the same pieces, with where to fetch them from. `torrent` is one that was parsed.
 * Sources: BEP 3, BEP 12 (several trackers), BEP 19 (web seeds).
 */
export function completeTorrent(
  torrent: Uint8Array,
  from: { readonly trackers: readonly string[]; readonly webSeeds: readonly string[] },
): Uint8Array {
  const { trackers, webSeeds } = from;
  const [first] = trackers;
  const before: Record<string, Bencodable> = {};
  if (first !== undefined) before.announce = first;
  if (trackers.length > 1) before['announce-list'] = [[...trackers]];
  const after: Record<string, Bencodable> = webSeeds.length === 0 ? {} : { 'url-list': [...webSeeds] };
  // The info dictionary goes over byte by byte, since its hash is the pack's name; `info` lies between both by its first letter.
  const info = torrent.subarray(1, -1);
  return Buffer.concat([bencode.encode(before).subarray(0, -1), info, bencode.encode(after).subarray(1)]);
}

function infoHashOf(torrent: Uint8Array): string {
  return createHash('sha1').update(torrent.subarray(outerOpenBytes, -1)).digest('hex');
}

/**
 * What a torrent says, or a refusal. Only the exact form that `createMetainfo` makes is accepted, so nothing from outside
 * (trackers, paths, more files, further keys) ever reaches a bencode decoder. `expectedInfoHash` null takes any: for bytes
 * made here. Throws `artifact.malformed`, `artifact.digest_mismatch`.
 */
export function parseMetainfo(torrent: Uint8Array, expectedInfoHash: string | null): Metainfo {
  if (torrent.byteLength > maxTorrentBytes) throw malformed('it is larger than 8 MiB');
  const bytes = Buffer.from(torrent.buffer, torrent.byteOffset, torrent.byteLength);
  const match = headerPattern.exec(bytes.toString('latin1', 0, maxHeaderBytes));
  const [header, lengthText, name, pieceLengthText, hashLengthText] = match ?? [];
  if (header === undefined || name === undefined) {
    throw malformed('it is not the private torrent of one pack');
  }
  const sizeBytes = Number(lengthText);
  const pieceLengthBytes = Number(pieceLengthText);
  const pieceHashBytes = Number(hashLengthText);
  checkSizes(sizeBytes, pieceLengthBytes, pieceHashBytes);
  if (bytes.toString('latin1', header.length + pieceHashBytes) !== trailer) {
    throw malformed('it is cut short, not private, or says more than it may');
  }
  const infoHash = infoHashOf(bytes);
  if (expectedInfoHash !== null && infoHash !== expectedInfoHash) {
    throw new DomainError(
      'artifact.digest_mismatch',
      `The torrent of ${name} has info hash ${infoHash}, but the release names ${expectedInfoHash}. Read it from another store.`,
      { infoHash, expectedInfoHash },
    );
  }
  return { name, sizeBytes, pieceLengthBytes, pieceCount: pieceHashBytes / hashBytes, infoHash };
}
