/** Owns the text of a JUnit report: its tags, their attributes, and a bounded part of what stands between them. Knows no test. */

/** A text of which a bounded part was kept. */
export interface CutText {
  readonly text: string;
  /** More followed. */
  readonly isCut: boolean;
}

/** Of one attribute; a message of more than this is a page and not a line. */
const maxAttributeLength = 4_000;
/** Of one test: twice what is shown of it, since colours and secrets are taken out of it first. */
const maxCollectedLength = 8_000;

/** One past the `>` that ends the tag at the beginning; one within quotes ends nothing. -1 where it is not there yet. */
export function tagEnd(text: string): number {
  let quote = '';
  for (let index = 1; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '>') return index + 1;
  }
  return -1;
}

const isSpace = (character: string) =>
  character === ' ' || character === '\n' || character === '\t' || character === '\r';

export function nameOf(tag: string, from: number): string {
  let end = from;
  while (end < tag.length && !isSpace(tag.charAt(end)) && !'/>'.includes(tag.charAt(end))) end += 1;
  return tag.slice(from, end);
}

/** The attributes of a tag, by name. */
export function attributesOf(tag: string): Map<string, CutText> {
  const attributes = new Map<string, CutText>();
  let at = 1 + nameOf(tag, 1).length;
  for (;;) {
    while (isSpace(tag.charAt(at))) at += 1;
    const equals = tag.indexOf('=', at);
    if (equals < 0) return attributes;
    const name = tag.slice(at, equals).trim();
    let open = equals + 1;
    while (isSpace(tag.charAt(open))) open += 1;
    const quote = tag.charAt(open);
    const close = quote === '"' || quote === "'" ? tag.indexOf(quote, open + 1) : -1;
    if (close < 0) return attributes;
    const isCut = close - open - 1 > maxAttributeLength;
    const text = plainText(tag.slice(open + 1, Math.min(close, open + 1 + maxAttributeLength)));
    attributes.set(name, { text, isCut });
    at = close + 1;
  }
}

/** The five entities of XML itself, and characters by their number; `&amp;` last, since what it leaves is text. */
function plainText(value: string): string {
  return value
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replace(/&#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));/g, (whole, hex?: string, decimal?: string) => {
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code > 0x10ffff ? whole : String.fromCodePoint(code);
    })
    .replaceAll('&amp;', '&');
}

/** Collects the text of a test's parts, each from a line of its own, up to a limit; however it is cut into pieces, the result is the same. */
export function createTextCollector() {
  let text = '';
  /** Text whose end may be the beginning of an entity. */
  let raw = '';
  let isCut = false;

  const take = (piece: string) => {
    const room = maxCollectedLength - text.length;
    text += piece.slice(0, room);
    isCut ||= piece.length > room;
  };
  const settle = () => {
    const decoded = plainText(raw);
    raw = '';
    take(decoded);
  };

  return {
    startPart() {
      settle();
      if (text !== '' && !text.endsWith('\n')) take('\n');
    },
    /** `isData`: of a CDATA section, in which nothing is an entity. */
    add(piece: string, isData: boolean) {
      if (isData) {
        settle();
        take(piece);
        return;
      }
      // What is dropped here is far behind the limit: no entity is longer than the text that it stands for by so much.
      const room = 12 * maxCollectedLength - raw.length;
      raw += piece.slice(0, Math.max(0, room));
      isCut ||= piece.length > room;
    },
    end(): CutText {
      settle();
      return { text, isCut };
    },
  };
}
