/** Owns counting the lines of logs: how many lie before a byte. What was counted is remembered, since a log only grows. */
import type { FileHandle } from 'node:fs/promises';

const lineFeed = 0x0a;
/** A count is kept every so many bytes: at most this much is read again for a place in between. */
const blockBytes = 1024 * 1024;
/** Logs whose counts are kept; those of the longest log that there can be are 512 numbers. */
const mostLogs = 64;

/** Line feeds in `bytes`. */
function countLineFeeds(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) count += 1;
  return count;
}

export interface LogLines {
  /** Line feeds before the byte at `offset`, which the file must have reached. Takes 1 MiB of memory, whatever the log's size. */
  before(file: string, handle: FileHandle, offset: number): Promise<number>;
}

/** One for an engine: every reader of a log profits from what another has counted. */
export function createLogLines(): LogLines {
  /** Of each file, least recently used first: line feeds before each block. */
  const known = new Map<string, number[]>();

  return {
    async before(file, handle, offset) {
      const counts = known.get(file) ?? [0];
      known.delete(file);
      known.set(file, counts);
      for (const [oldest] of known) {
        if (known.size <= mostLogs) break;
        known.delete(oldest);
      }
      const block = Math.floor(offset / blockBytes);
      // Two readers may count the same block at once: both write the same number to the same place.
      let from = Math.min(block, counts.length - 1);
      let count = counts[from] ?? 0;
      const buffer = Buffer.allocUnsafe(Math.min(blockBytes, offset));
      for (; from < block; from += 1) {
        const { bytesRead } = await handle.read(buffer, 0, blockBytes, from * blockBytes);
        count += countLineFeeds(buffer.subarray(0, bytesRead));
        counts[from + 1] = count;
      }
      const rest = offset - block * blockBytes;
      if (rest === 0) return count;
      const { bytesRead } = await handle.read(buffer, 0, rest, block * blockBytes);
      return count + countLineFeeds(buffer.subarray(0, bytesRead));
    },
  };
}

/** How far back the beginning of a line is looked for. */
const longestLineBytes = 64 * 1024;

/** Where the line begins that holds the byte at `offset`; for a line longer than 64 KiB, where a character begins. */
export async function lineStart(handle: FileHandle, offset: number): Promise<number> {
  const from = Math.max(0, offset - longestLineBytes);
  const buffer = Buffer.allocUnsafe(offset - from);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, from);
  const feed = buffer.subarray(0, bytesRead).lastIndexOf(lineFeed);
  if (feed >= 0) return from + feed + 1;
  if (from === 0) return 0;
  const next = Buffer.alloc(4);
  await handle.read(next, 0, 4, offset);
  // Continuation bytes belong to the character before. Source: RFC 3629.
  const character = next.findIndex(byte => (byte & 0xc0) !== 0x80);
  return offset + Math.max(0, character);
}
