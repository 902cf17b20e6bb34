/** Owns the search for many byte patterns at once. Knows nothing of secrets. */

export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface PatternSearch {
  readonly isEmpty: boolean;
  /** Where the longest pattern of each place stands in `data`, by their start. */
  find(data: Buffer): Span[];
  /** Where the longest tail of `data` begins that is the beginning of a pattern, but not the whole; its length where none is. */
  openTail(data: Buffer): number;
}

/** Bytes that decide how far the search may jump. */
const blockBytes = 2;
const pairOf = (data: Buffer, at: number) => ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);

function appended(table: Map<number, Buffer[]>, key: number, pattern: Buffer): void {
  const known = table.get(key);
  if (known) known.push(pattern);
  else table.set(key, [pattern]);
}

/**
 * Prepares the search. Each pattern has at least two bytes; the longer the shortest, the faster.
 * Source: S. Wu, U. Manber, "A fast algorithm for multi-pattern searching", TR 94-17, University of Arizona, 1994.
 */
export function searchFor(patterns: readonly Buffer[]): PatternSearch {
  const windowBytes = patterns.reduce((least, pattern) => Math.min(least, pattern.length), 255);
  const longest = patterns.reduce((most, pattern) => Math.max(most, pattern.length), 0);
  const lastBlock = windowBytes - blockBytes;
  /** By the two bytes that end a window: how far the next window that could match is. */
  const jumps = new Uint8Array(65_536).fill(lastBlock + 1);
  const byLastBlock = new Map<number, Buffer[]>();
  const beginsPattern = new Uint8Array(256);
  const byFirstBlock = new Map<number, Buffer[]>();
  const longestFirst = [...patterns].sort((a, b) => b.length - a.length);
  for (const pattern of longestFirst) {
    for (let at = 0; at <= lastBlock; at += 1) {
      const pair = pairOf(pattern, at);
      jumps[pair] = Math.min(jumps[pair] ?? 0, lastBlock - at);
    }
    appended(byLastBlock, pairOf(pattern, lastBlock), pattern);
    appended(byFirstBlock, pairOf(pattern, 0), pattern);
    beginsPattern[pattern[0] ?? 0] = 1;
  }

  return {
    isEmpty: patterns.length === 0,
    find(data) {
      const found: Span[] = [];
      if (patterns.length === 0) return found;
      let start = 0;
      while (start + windowBytes <= data.length) {
        const pair = pairOf(data, start + lastBlock);
        const jump = jumps[pair] ?? 1;
        if (jump > 0) {
          start += jump;
          continue;
        }
        for (const pattern of byLastBlock.get(pair) ?? []) {
          const end = start + pattern.length;
          if (
            pattern[0] !== data[start] ||
            end > data.length ||
            data.compare(pattern, 0, pattern.length, start, end) !== 0
          )
            continue;
          found.push({ start, end });
          break;
        }
        start += 1;
      }
      return found;
    },
    openTail(data) {
      for (let at = Math.max(0, data.length - longest + 1); at < data.length; at += 1) {
        if (beginsPattern[data[at] ?? 0] === 0) continue;
        const tailBytes = data.length - at;
        if (tailBytes < blockBytes) return at;
        for (const pattern of byFirstBlock.get(pairOf(data, at)) ?? []) {
          if (pattern.length <= tailBytes) break;
          if (data.compare(pattern, 0, tailBytes, at) === 0) return at;
        }
      }
      return data.length;
    },
  };
}
