import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPatternSearch } from '../../../src-main/secrets/pattern-search.ts';

/** The same by the plainest means. */
function byIndexOf(data: Buffer, patterns: readonly Buffer[]) {
  return patterns.flatMap(pattern => {
    const found: { start: number; end: number }[] = [];
    for (let at = data.indexOf(pattern); at >= 0; at = data.indexOf(pattern, at + 1)) {
      found.push({ start: at, end: at + pattern.length });
    }
    return found;
  });
}
const inOrder = (found: readonly { start: number; end: number }[]) =>
  [...found].sort((a, b) => a.start - b.start || a.end - b.end);

describe('the search for many patterns', () => {
  it('finds what a search for each of them finds, overlapping places and both ends included', () => {
    const pattern = fc.stringMatching(/^[abc]{2,9}$/);
    const property = fc.property(
      fc.uniqueArray(pattern, { maxLength: 6 }),
      fc.array(fc.oneof(fc.stringMatching(/^[abcx]{0,6}$/), pattern), { maxLength: 12 }),
      (words, parts) => {
        const patterns = words.map(word => Buffer.from(word));
        const data = Buffer.from(parts.join(''));
        expect(inOrder(createPatternSearch(patterns).findIn(data))).toEqual(inOrder(byIndexOf(data, patterns)));
      },
    );
    fc.assert(property, { numRuns: 2_000 });
  });

  it('finds patterns of any bytes, also when all are longer than it jumps', () => {
    const long = Buffer.from(Array.from({ length: 700 }, (_, index) => (index * 37) % 256));
    const longer = Buffer.concat([Buffer.from([0, 255]), long]);
    const data = Buffer.concat([Buffer.alloc(1_000, 7), longer, Buffer.alloc(3, 255), long]);
    const found = inOrder(createPatternSearch([long, longer]).findIn(data));
    expect(found).toEqual(inOrder(byIndexOf(data, [long, longer])));
    expect(found).toHaveLength(3);
  });

  it('finds nothing where there is nothing to look for, and refuses a pattern that is too short', () => {
    expect(createPatternSearch([]).findIn(Buffer.from('abc'))).toEqual([]);
    expect(() => createPatternSearch([Buffer.from('a')])).toThrow(RangeError);
  });
});
