import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { crc32c, crc32cHex, joinCrc32c } from '../../../src-main/stores/crc32c.ts';

/** Bit by bit, as the polynomial is written. */
function slowly(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) {
    remainder ^= byte;
    for (let bit = 0; bit < 8; bit += 1) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0x82f63b78 : 0);
  }
  return ~remainder >>> 0;
}

describe('CRC-32C', () => {
  // Source: RFC 3720, appendix B.4.
  it.each([
    ['', '00000000'],
    ['123456789', 'e3069283'],
    ['\0'.repeat(32), '8a9136aa'],
    ['\u00ff'.repeat(32), '62a8ab43'],
  ])('of %j is as the standard has it', (text, expected) => {
    expect(crc32cHex(crc32c(Buffer.from(text, 'latin1')))).toBe(expected);
  });

  it('is the same at every length, alignment and cut', () => {
    const bytes = randomBytes(96);
    for (let start = 0; start < 8; start += 1) {
      for (let length = 0; length <= 80; length += 1) {
        const part = bytes.subarray(start, start + length);
        const expected = slowly(part);
        expect(crc32c(part), `${start}+${length}`).toBe(expected);
        const cut = length >> 1;
        expect(crc32c(part.subarray(cut), crc32c(part.subarray(0, cut))), `cut at ${cut}`).toBe(expected);
      }
    }
  });

  it.each([0, 1, 5, 96, 4_099])('of two stretches, the second of %i bytes, is made of those of each', length => {
    const [first, second] = [randomBytes(33), randomBytes(length)];
    expect(joinCrc32c(crc32c(first), crc32c(second), length)).toBe(slowly(Buffer.concat([first, second])));
    expect(joinCrc32c(0, crc32c(second), length)).toBe(slowly(second));
  });
});
