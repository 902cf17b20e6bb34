/** Owns Castagnoli's CRC-32 (RFC 3720), eight bytes at a time: the clouds' checksum, which Node's own libraries do not compute. */

/** 0x1EDC6F41 with its bits reversed. Source: RFC 3720, section 12.1 and appendix B.4. */
const polynomial = 0x82f63b78;
const slices = 8;

/** Table `n` is what a byte does to the remainder `n` bytes later. Source: Kounavis and Berry, "A Systematic Approach to Building High Performance Software-based CRC Generators", 2005. */
function makeTables(): Int32Array {
  const tables = new Int32Array(256 * slices);
  for (let byte = 0; byte < 256; byte += 1) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit += 1) remainder = remainder & 1 ? (remainder >>> 1) ^ polynomial : remainder >>> 1;
    tables[byte] = remainder;
  }
  for (let index = 256; index < tables.length; index += 1) {
    const before = tables[index - 256] ?? 0;
    tables[index] = (before >>> 8) ^ (tables[before & 255] ?? 0);
  }
  return tables;
}

let made: Int32Array | null = null;

/** The checksum of what had the checksum `crc` (0 for nothing) followed by `bytes`; 32 bits without a sign. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  made ??= makeTables();
  const t = made;
  const at = (index: number): number => t[index] ?? 0;
  let remainder = ~crc;
  let index = 0;
  for (const end = bytes.length - (bytes.length % slices); index < end; index += slices) {
    remainder ^= word(bytes, index);
    const next = word(bytes, index + 4);
    remainder =
      at(1792 + (remainder & 255)) ^
      at(1536 + ((remainder >>> 8) & 255)) ^
      at(1280 + ((remainder >>> 16) & 255)) ^
      at(1024 + (remainder >>> 24)) ^
      at(768 + (next & 255)) ^
      at(512 + ((next >>> 8) & 255)) ^
      at(256 + ((next >>> 16) & 255)) ^
      at(next >>> 24);
  }
  for (; index < bytes.length; index += 1) remainder = at((remainder ^ (bytes[index] ?? 0)) & 255) ^ (remainder >>> 8);
  return ~remainder >>> 0;
}

function word(bytes: Uint8Array, index: number): number {
  return (
    (bytes[index] ?? 0) |
    ((bytes[index + 1] ?? 0) << 8) |
    ((bytes[index + 2] ?? 0) << 16) |
    ((bytes[index + 3] ?? 0) << 24)
  );
}

/** As `BlobChecksums` has it: eight hex digits. */
export function crc32cHex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}
