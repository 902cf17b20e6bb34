/** Owns Castagnoli's CRC-32 (RFC 3720), sixteen bytes at a time: the clouds' checksum, which Node's own libraries do not compute. */
import { endianness } from 'node:os';

/** 0x1EDC6F41 with its bits reversed. Source: RFC 3720, section 12.1 and appendix B.4. */
const polynomial = 0x82f63b78;
const slices = 16;
const wordsAtOnce = slices / 4;
const readsWords = endianness() === 'LE';

/**
 * Table `n` is what a byte does to the remainder `n` bytes later. Source: Kounavis and Berry, "A Systematic Approach to Building
 * High Performance Software-Based CRC Generators", 2005.
 */
function makeTables(): Int32Array {
  const tables = new Int32Array(256 * slices);
  for (let byte = 0; byte < 256; byte += 1) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit += 1) remainder = (remainder >>> 1) ^ (remainder & 1 ? polynomial : 0);
    tables[byte] = remainder;
  }
  for (let index = 256; index < tables.length; index += 1) {
    const before = tables[index - 256] ?? 0;
    tables[index] = (before >>> 8) ^ (tables[before & 255] ?? 0);
  }
  return tables;
}

const t = makeTables();

function byBytes(bytes: Uint8Array, start: number, end: number, before: number): number {
  let remainder = before;
  for (let index = start; index < end; index += 1)
    remainder = (t[(remainder ^ (bytes[index] ?? 0)) & 255] ?? 0) ^ (remainder >>> 8);
  return remainder;
}

/** What the four bytes of `word` do to the remainder, with `table` for the last of them. */
function effect(word: number, table: number): number {
  return (
    (t[table + 768 + (word & 255)] ?? 0) ^
    (t[table + 512 + ((word >>> 8) & 255)] ?? 0) ^
    (t[table + 256 + ((word >>> 16) & 255)] ?? 0) ^
    (t[table + (word >>> 24)] ?? 0)
  );
}

/** The checksum of what had the checksum `crc` (0 for nothing) followed by `bytes`; 32 bits without a sign. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  const unaligned = Math.min(bytes.length, -bytes.byteOffset & 3);
  let remainder = byBytes(bytes, 0, unaligned, ~crc);
  let done = unaligned;
  if (readsWords && bytes.length - done >= slices) {
    const whole = Math.floor((bytes.length - done) / slices) * wordsAtOnce;
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + done, whole);
    for (let index = 0; index < whole; index += wordsAtOnce) {
      remainder =
        effect(remainder ^ (words[index] ?? 0), 3_072) ^
        effect(words[index + 1] ?? 0, 2_048) ^
        effect(words[index + 2] ?? 0, 1_024) ^
        effect(words[index + 3] ?? 0, 0);
    }
    done += whole * 4;
  }
  return ~byBytes(bytes, done, bytes.length, remainder) >>> 0;
}

/** The product of two polynomials modulo Castagnoli's, the highest power in the lowest bit. */
function multiply(left: number, right: number): number {
  let product = 0;
  let factor = right;
  for (let bit = 31; bit >= 0; bit -= 1) {
    if ((left >>> bit) & 1) product ^= factor;
    factor = factor & 1 ? (factor >>> 1) ^ polynomial : factor >>> 1;
  }
  return product;
}

/**
 * The checksum of two stretches of bytes, one after the other, from the checksums of each: the first is multiplied by x to the power of
 * the second one's bits. Source: `crc32_combine` of zlib 1.2.12 and later (crc32.c), with another polynomial.
 */
export function joinCrc32c(first: number, second: number, secondBytes: number): number {
  let power = 0x80000000;
  // x to the power of 8, then each time its square.
  let square = 0x00800000;
  for (let rest = secondBytes; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(square, power);
    square = multiply(square, square);
  }
  return (multiply(power, first) ^ second) >>> 0;
}

/** As `BlobChecksums` has it: eight hex digits. */
export function crc32cHex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}
