import { expect, test } from 'vitest';
import { Crc32c } from '../../../src-main/artifacts/crc32c.ts';

function crc32c(...parts: readonly Uint8Array[]): string {
  const crc = new Crc32c();
  for (const part of parts) crc.update(part);
  return crc.digest();
}

/** Source: RFC 3720, appendix B.4, whose table has the bytes of each checksum in the opposite order; and the usual check value. */
test.each<[string, Uint8Array, string]>([
  ['32 zeros', new Uint8Array(32), '8a9136aa'],
  ['32 ones', new Uint8Array(32).fill(0xff), '62a8ab43'],
  ['32 ascending', Uint8Array.from({ length: 32 }, (_, index) => index), '46dd794e'],
  ['32 descending', Uint8Array.from({ length: 32 }, (_, index) => 31 - index), '113fdb5c'],
  ['the check value', Buffer.from('123456789'), 'e3069283'],
  ['nothing', new Uint8Array(), '00000000'],
])('is the known one of %s', (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
});

test('is the same however the bytes are cut and aligned', () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, index) => (index * 7 + (index >> 3)) & 255);
  const whole = crc32c(bytes);
  for (let cut = 0; cut <= 40; cut += 1) {
    expect(crc32c(bytes.subarray(0, cut), bytes.subarray(cut))).toBe(whole);
    const moved = new Uint8Array(bytes.length + cut);
    moved.set(bytes, cut);
    expect(crc32c(moved.subarray(cut))).toBe(whole);
  }
});
