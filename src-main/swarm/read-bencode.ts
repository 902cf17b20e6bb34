/** Owns reading bencode from strangers: one value, or an error, in time that its length bounds. Knows no meaning of it. */

export type Bencoded = number | Uint8Array | readonly Bencoded[] | BencodedDictionary;
/** A Map, so that no key is special. */
export type BencodedDictionary = ReadonlyMap<string, Bencoded>;

/** Trackers and extensions nest three deep. */
const maxDepth = 8;
/** More digits are no length and no number that a double holds. */
const integerPattern = /^i(0|-?[1-9][0-9]{0,15})e/;
const lengthPattern = /^(0|[1-9][0-9]{0,8}):/;
const longestHead = 20;

/**
 * The value at the beginning of `bytes`, and where it ends. Throws an Error for anything that is not bencode. The library's own
 * decoder goes back at a negative length, and so never ends: it is given nothing that did not pass here before.
 * Source: BEP 3; lib/decode.js of bencode 4.0.1.
 */
export function readBencode(bytes: Uint8Array): { readonly value: Bencoded; readonly end: number } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let position = 0;

  const wrong = (): Error => new Error(`It is not bencode at byte ${position}.`);
  const headAt = (pattern: RegExp): RegExpExecArray => {
    const match = pattern.exec(buffer.toString('latin1', position, position + longestHead));
    if (match === null) throw wrong();
    return match;
  };

  const readString = (): Uint8Array => {
    const [head, digits] = headAt(lengthPattern);
    const start = position + head.length;
    const end = start + Number(digits);
    if (end > buffer.byteLength) throw wrong();
    position = end;
    return buffer.subarray(start, end);
  };
  const readNumber = (): number => {
    const [head, digits] = headAt(integerPattern);
    position += head.length;
    return Number(digits);
  };
  const until = (work: () => void): void => {
    position += 1;
    while (buffer[position] !== 0x65) work();
    position += 1;
  };
  const readAny = (depth: number): Bencoded => {
    if (depth > maxDepth) throw wrong();
    switch (buffer[position]) {
      case 0x69:
        return readNumber();
      case 0x6c: {
        const list: Bencoded[] = [];
        until(() => list.push(readAny(depth + 1)));
        return list;
      }
      case 0x64: {
        const dictionary = new Map<string, Bencoded>();
        until(() => dictionary.set(Buffer.from(readString()).toString('latin1'), readAny(depth + 1)));
        return dictionary;
      }
      default:
        return readString();
    }
  };

  const value = readAny(0);
  return { value, end: position };
}
