/** Owns the seek table at the end of a pack: which zstd frame holds which bytes of the tar. */
import { DomainError } from '../contract/errors.ts';

/** Source: github.com/facebook/zstd, contrib/seekable_format/zstd_seekable_compression_format.md, version 0.1.0. */
const skippableMagic = 0x184d2a5e;
const seekableMagic = 0x8f92eab1;
const headerBytes = 8;
const entryBytes = 8;
export const seekTableFooterBytes = 9;

/** A frame's content at most; what a reader must be ready to hold, and the unit in which work is shared among threads. */
export const frameBytes = 4 * 1024 * 1024;
/** Room for a frame whose content does not compress. Source: ZSTD_COMPRESSBOUND in zstd.h, with the frame's header and checksum. */
export const maximumCompressedBytes = frameBytes + frameBytes / 256 + 1024;
/** Enough for a pack of 4 TiB; the table then has 8 MB. */
const maximumFrames = 1_000_000;

export interface SeekFrame {
  readonly compressedBytes: number;
  readonly contentBytes: number;
}

/** The skippable frame with the sizes of `frames`, without checksums: each zstd frame carries its own. */
export function encodeSeekTable(frames: readonly SeekFrame[]): Uint8Array {
  const bodyBytes = frames.length * entryBytes + seekTableFooterBytes;
  const table = Buffer.alloc(headerBytes + bodyBytes);
  table.writeUInt32LE(skippableMagic, 0);
  table.writeUInt32LE(bodyBytes, 4);
  frames.forEach((frame, index) => {
    table.writeUInt32LE(frame.compressedBytes, headerBytes + index * entryBytes);
    table.writeUInt32LE(frame.contentBytes, headerBytes + index * entryBytes + 4);
  });
  const footer = table.length - seekTableFooterBytes;
  table.writeUInt32LE(frames.length, footer);
  table.writeUInt32LE(seekableMagic, footer + 5);
  return table;
}

function malformed(reason: string): DomainError {
  return new DomainError('artifact.malformed', `The pack ${reason}. Fetch it again, or build the revision again.`);
}

/** The length of the whole seek table in bytes, from the last nine bytes of the pack. Throws `artifact.malformed`. */
export function seekTableBytes(footer: Uint8Array): number {
  const view = Buffer.from(footer.buffer, footer.byteOffset, footer.byteLength);
  if (view.length !== seekTableFooterBytes || view.readUInt32LE(5) !== seekableMagic || view[4] !== 0) {
    throw malformed('has no seek table at its end: it is cut short, or is no full pack');
  }
  const frames = view.readUInt32LE(0);
  if (frames === 0 || frames > maximumFrames) throw malformed(`claims to have ${frames} frames`);
  return headerBytes + frames * entryBytes + seekTableFooterBytes;
}

/**
 * Reads the table of a pack of `packBytes` bytes; the frames' sizes are in range and add up to the pack.
 * Throws `artifact.malformed`.
 */
export function decodeSeekTable(table: Uint8Array, packBytes: number): SeekFrame[] {
  const view = Buffer.from(table.buffer, table.byteOffset, table.byteLength);
  if (view.readUInt32LE(0) !== skippableMagic || view.readUInt32LE(4) !== view.length - headerBytes) {
    throw malformed('has a damaged seek table');
  }
  const frames: SeekFrame[] = [];
  let total = view.length;
  for (let at = headerBytes; at < view.length - seekTableFooterBytes; at += entryBytes) {
    const frame = { compressedBytes: view.readUInt32LE(at), contentBytes: view.readUInt32LE(at + 4) };
    const inRange =
      frame.compressedBytes > 0 &&
      frame.compressedBytes <= maximumCompressedBytes &&
      frame.contentBytes > 0 &&
      frame.contentBytes <= frameBytes;
    if (!inRange) throw malformed('has a frame of a size that no pack has');
    total += frame.compressedBytes;
    frames.push(frame);
  }
  if (total !== packBytes) throw malformed('has a seek table that does not fit its size');
  return frames;
}
