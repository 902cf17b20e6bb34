/** Owns which bytes of a build's output reach the log: text, line control and colours. Everything else a terminal would act on is dropped. */

const escapeByte = 0x1b;
const bell = 0x07;
const lineFeed = 0x0a;
const isFinal = (byte: number) => byte >= 0x40 && byte <= 0x7e;

type State = 'text' | 'escape' | 'csi' | 'string' | 'string-escape' | 'intermediate' | 'c1-lead';

/** A colour sequence longer than this is not one. */
const maxSequenceBytes = 64;

/** 1 for each byte that plain text lets through unseen. Nearly all output is such bytes: they are copied in runs. */
const plain = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === 0x09 || byte === lineFeed || byte === 0x0d || (byte >= 0x20 && byte !== 0x7f && byte !== 0xc2) ? 1 : 0,
);

/** Where the run of plain bytes ends that begins at `from`. */
function endOfPlain(chunk: Uint8Array, from: number): number {
  let at = from;
  while (at < chunk.length && plain[chunk[at] ?? 0] === 1) at += 1;
  return at;
}

export interface LogSanitiser {
  /** What of `chunk` may be written; `chunk` itself where that is all of it. Sequences may be split between chunks. */
  push(chunk: Uint8Array): Buffer;
}

/**
 * Keeps printable bytes, tab, line feed, carriage return, and SGR (colour) sequences; drops cursor movement, titles,
 * hyperlinks, device queries, C0 and C1 controls. Source: ECMA-48, sections 5.3 to 5.6 and 8.3.117.
 */
export function createLogSanitiser(): LogSanitiser {
  let state: State = 'text';
  let sequence: number[] = [];

  return {
    push(chunk) {
      const firstRun = state === 'text' ? endOfPlain(chunk, 0) : 0;
      if (firstRun === chunk.length) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      // A C1 lead byte held back from the chunk before may come on top.
      const out = Buffer.allocUnsafe(chunk.length + maxSequenceBytes + 4);
      out.set(chunk.subarray(0, firstRun));
      let length = firstRun;
      for (let at = firstRun; at < chunk.length; at += 1) {
        if (state === 'text') {
          const end = endOfPlain(chunk, at);
          if (end > at) {
            out.set(chunk.subarray(at, end), length);
            length += end - at;
            at = end;
          }
        }
        const byte = chunk[at];
        if (byte === undefined) break;
        if (byte === lineFeed) {
          // A line always ends: what runs on over it is a program that forgot to end its sequence.
          state = 'text';
          out[length++] = byte;
          continue;
        }
        // Not a continuation byte: the lead byte was no character, and this one is looked at like any other.
        if (state === 'c1-lead' && (byte < 0x80 || byte > 0xbf)) state = 'text';
        switch (state) {
          case 'c1-lead':
            // U+0080 to U+009F in UTF-8: CSI, OSC and the like in one character.
            state = 'text';
            if (byte >= 0x80 && byte <= 0x9f) {
              if (byte === 0x9b) {
                state = 'csi';
                sequence = [];
              } else if ([0x90, 0x98, 0x9d, 0x9e, 0x9f].includes(byte)) state = 'string';
              break;
            }
            out[length++] = 0xc2;
            out[length++] = byte;
            break;
          case 'text':
            if (byte === escapeByte) state = 'escape';
            else if (byte === 0xc2) state = 'c1-lead';
            else if (plain[byte] === 1) out[length++] = byte;
            break;
          case 'escape':
            if (byte === 0x5b) {
              state = 'csi';
              sequence = [];
            } else if (byte === 0x5d || byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f)
              state = 'string';
            else if (byte >= 0x20 && byte <= 0x2f) state = 'intermediate';
            else if (byte !== escapeByte) state = 'text';
            break;
          case 'intermediate':
            if (byte < 0x20 || byte > 0x2f) state = 'text';
            break;
          case 'csi':
            if (byte === escapeByte) {
              state = 'escape';
            } else if (isFinal(byte)) {
              state = 'text';
              if (
                byte === 0x6d &&
                sequence.every(part => (part >= 0x30 && part <= 0x39) || part === 0x3b || part === 0x3a)
              ) {
                out.set([escapeByte, 0x5b, ...sequence, byte], length);
                length += sequence.length + 3;
              }
            } else if (byte < 0x20 || sequence.length >= maxSequenceBytes - 4) {
              state = 'text';
            } else {
              sequence.push(byte);
            }
            break;
          case 'string':
            if (byte === bell) state = 'text';
            else if (byte === escapeByte) state = 'string-escape';
            break;
          case 'string-escape':
            state = byte === 0x5c ? 'text' : byte === escapeByte ? 'string-escape' : 'string';
        }
      }
      return out.subarray(0, length);
    },
  };
}
