/** Owns finding many byte patterns in one pass over data. Knows no secret and no stream. */

export interface FoundPattern {
  readonly start: number;
  readonly end: number;
}

export interface PatternSearch {
  /** Every place at which any pattern stands, overlapping ones included, in no particular order. */
  findIn(data: Uint8Array): FoundPattern[];
}

/** Pairs of bytes decide how far the search may jump. */
const pairCount = 65_536;

/**
 * Prepares a search for `patterns`, each at least two bytes long. One pass jumps over as many bytes as the shortest pattern
 * allows, however many patterns there are; one `indexOf` per pattern would read everything once for each of them.
 *
 * Source: S. Wu and U. Manber, A fast algorithm for multi-pattern searching, TR 94-17, University of Arizona, 1994.
 */
export function createPatternSearch(patterns: readonly Uint8Array[]): PatternSearch {
  if (patterns.length === 0) return { findIn: () => [] };
  const window = patterns.reduce((least, pattern) => Math.min(least, pattern.length), 255);
  if (window < 2) throw new RangeError('A pattern must have at least two bytes');
  const jumps = new Uint8Array(pairCount).fill(window - 1);
  /** Which patterns have this pair at the end of their first `window` bytes. */
  const candidates = new Map<number, Uint8Array[]>();
  for (const pattern of patterns) {
    for (let at = 1; at < window; at += 1) {
      const pair = ((pattern[at - 1] ?? 0) << 8) | (pattern[at] ?? 0);
      jumps[pair] = Math.min(jumps[pair] ?? 0, window - 1 - at);
      if (at === window - 1) candidates.set(pair, [...(candidates.get(pair) ?? []), pattern]);
    }
  }

  return {
    findIn(data) {
      const found: FoundPattern[] = [];
      let at = window - 1;
      while (at < data.length) {
        const pair = ((data[at - 1] ?? 0) << 8) | (data[at] ?? 0);
        const jump = jumps[pair] ?? 1;
        if (jump > 0) {
          at += jump;
          continue;
        }
        const start = at - window + 1;
        for (const pattern of candidates.get(pair) ?? []) {
          if (standsAt(data, start, pattern)) found.push({ start, end: start + pattern.length });
        }
        at += 1;
      }
      return found;
    },
  };
}

function standsAt(data: Uint8Array, start: number, pattern: Uint8Array): boolean {
  if (start + pattern.length > data.length) return false;
  for (let at = 0; at < pattern.length; at += 1) if (data[start + at] !== pattern[at]) return false;
  return true;
}
