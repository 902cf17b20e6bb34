/** Owns where a file is cut into chunks by its content, so that the same bytes are the same chunks wherever they have moved to. */
import { hash } from 'node:crypto';

/** Small enough that an edit costs little beside it, large enough that 16 GiB have two million. */
export const minimumChunkBytes = 2 * 1024;
const normalChunkBytes = 8 * 1024;
export const maximumChunkBytes = 64 * 1024;
/** What names a chunk: so many bytes of its SHA-256. What is made of chunks is checked by the whole SHA-256 of the file. */
export const chunkDigestBytes = 16;

/** Bits that must be 0 at a cut: more before the normal size than after it, which brings the sizes close to it. */
const strictShift = 32 - 15;
const looseShift = 32 - 11;

/**
 * One random number for each byte value. Fixed for ever: they decide what a delta pack looks like.
 * Source: xorshift32, G. Marsaglia, "Xorshift RNGs", 2003.
 */
const gear = new Int32Array(256);
let state = 0x9e3779b9;
for (let index = 0; index < gear.length; index += 1) {
  for (let round = 0; round < 4; round += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  gear[index] = state;
}

/**
 * The end of the chunk that begins at `start`. Algorithm: FastCDC with the gear hash and normalized chunking, level 2.
 * Source: Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for Data Deduplication", USENIX ATC 2016.
 */
function cutAfter(bytes: Uint8Array, start: number, end: number): number {
  const limit = Math.min(end, start + maximumChunkBytes);
  const normal = Math.min(limit, start + normalChunkBytes);
  let at = start + minimumChunkBytes;
  if (at >= limit) return limit;
  let rolling = 0;
  for (; at < normal; at += 1) {
    rolling = ((rolling << 1) + (gear[bytes[at] ?? 0] ?? 0)) | 0;
    if (rolling >>> strictShift === 0) return at + 1;
  }
  for (; at < limit; at += 1) {
    rolling = ((rolling << 1) + (gear[bytes[at] ?? 0] ?? 0)) | 0;
    if (rolling >>> looseShift === 0) return at + 1;
  }
  return limit;
}

/** Cuts one file that comes in pieces of any size. */
export class Chunker {
  readonly #buffer = new Uint8Array(16 * maximumChunkBytes);
  #start = 0;
  #end = 0;

  /** The chunks that are certain with these bytes; each is valid until the next is asked for. */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + this.#buffer.length - this.#end);
      this.#buffer.set(part, this.#end);
      this.#end += part.length;
      done += part.length;
      while (this.#end - this.#start >= maximumChunkBytes) yield this.#next();
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
  }

  /** The chunks that are left at the end of the file. Afterwards another file may begin. */
  *finish(): Generator<Uint8Array> {
    while (this.#start < this.#end) yield this.#next();
    this.#start = 0;
    this.#end = 0;
  }

  #next(): Uint8Array {
    const cut = cutAfter(this.#buffer, this.#start, this.#end);
    const chunk = this.#buffer.subarray(this.#start, cut);
    this.#start = cut;
    return chunk;
  }
}

export function chunkDigest(chunk: Uint8Array): Uint8Array {
  return hash('sha256', chunk, 'buffer').subarray(0, chunkDigestBytes);
}
