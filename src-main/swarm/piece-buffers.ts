/** Owns the memory that pieces gather in until they are checked: bounded, and used again. */

/** All pieces of one torrent that are on their way, and those that wait for the disk. */
const maxBytes = 48 * 1024 * 1024;

export interface PieceBuffers {
  /** Memory for a piece; null while there is none. Its contents are whatever was there before. */
  take(lengthBytes: number): Buffer | null;
  give(buffer: Buffer): void;
}

export function createPieceBuffers(pieceLengthBytes: number): PieceBuffers {
  const most = Math.max(2, Math.floor(maxBytes / pieceLengthBytes));
  const free: ArrayBuffer[] = [];
  let taken = 0;
  return {
    take: lengthBytes => {
      if (taken >= most) return null;
      taken += 1;
      return Buffer.from(free.pop() ?? new ArrayBuffer(pieceLengthBytes), 0, lengthBytes);
    },
    give: ({ buffer }) => {
      taken -= 1;
      if (buffer instanceof ArrayBuffer) free.push(buffer);
    },
  };
}
