/** Owns CRC32C, the checksum that object stores keep beside MD5. Node's own `zlib.crc32` is of another polynomial. */

/** Castagnoli's polynomial, bits reversed. Source: RFC 3720, section 12.1. */
const polynomial = 0x82f63b78;

function firstTable(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    return value;
  });
}

/** What each byte value does to the checksum when one more byte follows than in `table`. */
function tableAfter(table: Int32Array): Int32Array {
  return table.map(value => (value >>> 8) ^ (t0[value & 255] ?? 0));
}

/**
 * One table for each of eight positions. Algorithm: "slicing-by-8".
 * Source: Kounavis and Berry, "A Systematic Approach to Building High Performance, Software-based, CRC Generators", ISCC 2005.
 */
const t0 = firstTable();
const t1 = tableAfter(t0);
const t2 = tableAfter(t1);
const t3 = tableAfter(t2);
const t4 = tableAfter(t3);
const t5 = tableAfter(t4);
const t6 = tableAfter(t5);
const t7 = tableAfter(t6);

/** The tables' indices are bytes, so there always is a value; the operators below take a missing one for 0. */
function bytewise(crc: number, bytes: Uint8Array): number {
  let value = crc;
  for (const byte of bytes) value = (t0[(value ^ byte) & 255] ?? 0) ^ (value >>> 8);
  return value;
}

/** The checksum of some bytes, given in pieces. About 1 GB/s. */
export class Crc32c {
  #value = -1;

  update(bytes: Uint8Array): void {
    const head = Math.min(bytes.length, (8 - (bytes.byteOffset % 8)) % 8);
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + head, Math.floor((bytes.length - head) / 8) * 2);
    let value = bytewise(this.#value, bytes.subarray(0, head));
    for (let at = 0; at < words.length; at += 2) {
      const low = (words[at] ?? 0) ^ value;
      const high = words[at + 1] ?? 0;
      value =
        (t7[low & 255] ?? 0) ^
        (t6[(low >>> 8) & 255] ?? 0) ^
        (t5[(low >>> 16) & 255] ?? 0) ^
        (t4[low >>> 24] ?? 0) ^
        (t3[high & 255] ?? 0) ^
        (t2[(high >>> 8) & 255] ?? 0) ^
        (t1[(high >>> 16) & 255] ?? 0) ^
        (t0[high >>> 24] ?? 0);
    }
    this.#value = bytewise(value, bytes.subarray(head + words.length * 4));
  }

  /** Eight lowercase hexadecimal digits, the most significant first. */
  digest(): string {
    return (~this.#value >>> 0).toString(16).padStart(8, '0');
  }
}
