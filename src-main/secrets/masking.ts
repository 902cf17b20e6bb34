/** Owns the masking of secret values in a stream of output: across the borders of its chunks, and through its colours. */
import { type PatternSearch, type Span, searchFor } from './pattern-search.ts';
import { secretForms } from './secret-forms.ts';

const mask = Buffer.from('***');
const escapeByte = 0x1b;
/** A control sequence longer than this is not one: it is looked at as text. */
const maxSequenceBytes = 64;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
/** The shortest line that a usual tool wraps: `xxd -p` at 60, PEM at 64, MIME and `base64` at 76. */
const minWrappedBytes = 60;
const isBase64 = new Uint8Array(256);
for (const byte of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_='))
  isBase64[byte] = 1;

export interface Masker {
  /** What may be shown now. Holds back only a tail that could be the beginning of a secret. */
  push(chunk: Buffer): Buffer;
  /** The rest. */
  end(): Buffer;
}

/** A control sequence, or a line end that wraps Base64, taken out of the text before its byte `at`; where it stood in the data. */
interface Sequence {
  readonly at: number;
  readonly start: number;
  readonly end: number;
}

interface Text {
  /** What a reader sees. */
  readonly bytes: Buffer;
  readonly sequences: readonly Sequence[];
  /** Where in the data a sequence begins that is not over; its length where there is none. */
  readonly openAt: number;
}

/** The end of the control sequence at `start`; null where it is none, `data.length + 1` where it is not over. Source: ECMA-48, 5.4. */
function sequenceEnd(data: Buffer, start: number): number | null {
  if (start + 1 < data.length && data[start + 1] !== 0x5b) return null;
  for (let at = start + 2; at < data.length; at += 1) {
    const byte = data[at] ?? 0;
    if (byte >= 0x40 && byte <= 0x7e) return at + 1;
    if (byte < 0x20 || byte > 0x3f || at - start >= maxSequenceBytes) return null;
  }
  return data.length + 1;
}

/** How many bytes of the Base64 alphabet end at `end`, counted to the shortest wrapped line; `before` stood before the data. */
function runUntil(data: Buffer, end: number, before: number): number {
  let start = end;
  while (start > 0 && end - start < minWrappedBytes && isBase64[data[start - 1] ?? 0] === 1) start -= 1;
  return end - start + (start === 0 ? before : 0);
}

/** Where a line end begins and ends; one past the data where a carriage return ends it, and nobody knows yet what follows. */
type Wrap = Pick<Sequence, 'start' | 'end'>;

/**
 * The line ends by which `base64` and `xxd -p` break what they write, each after a long run of their alphabet: a line feed,
 * or a carriage return and a line feed, as MIME has it and as a terminal makes of every line feed. Source: RFC 2045, 6.8.
 */
function wrapsIn(data: Buffer, runBefore: number): Wrap[] {
  const wraps: Wrap[] = [];
  for (let at = data.indexOf(lineFeed); at >= 0; at = data.indexOf(lineFeed, at + 1)) {
    const start = at > 0 && data[at - 1] === carriageReturn ? at - 1 : at;
    if (runUntil(data, start, runBefore) >= minWrappedBytes) wraps.push({ start, end: at + 1 });
  }
  const last = data.length - 1;
  if (data[last] === carriageReturn && runUntil(data, last, runBefore) >= minWrappedBytes) {
    wraps.push({ start: last, end: data.length + 1 });
  }
  return wraps;
}

function textOf(data: Buffer, runBefore: number): Text {
  const wraps = wrapsIn(data, runBefore);
  let lead = data.indexOf(escapeByte);
  if (lead < 0 && wraps.length === 0) return { bytes: data, sequences: [], openAt: data.length };
  const bytes = Buffer.allocUnsafe(data.length);
  const sequences: Sequence[] = [];
  let length = 0;
  let position = 0;
  let wrap = wraps.shift();
  while (lead >= 0 || wrap !== undefined) {
    const next = wrap !== undefined && (lead < 0 || wrap.start < lead) ? wrap : null;
    const start = next?.start ?? lead;
    const end = next === null ? sequenceEnd(data, start) : next.end;
    if (end !== null) {
      length += data.copy(bytes, length, position, start);
      if (end > data.length) return { bytes: bytes.subarray(0, length), sequences, openAt: start };
      sequences.push({ at: length, start, end });
      position = end;
    }
    if (next !== null) wrap = wraps.shift();
    else lead = data.indexOf(escapeByte, end ?? start + 1);
  }
  length += data.copy(bytes, length, position);
  return { bytes: bytes.subarray(0, length), sequences, openAt: data.length };
}

/** Where in the data the text from its byte `at` begins: after the sequences before it. */
function dataOffset(sequences: readonly Sequence[], at: number): number {
  let offset = at;
  for (const sequence of sequences) {
    if (sequence.at > at) break;
    offset += sequence.end - sequence.start;
  }
  return offset;
}

/** Overlapping places as one. The first `maskedBytes` are a place too: their mask has been shown already. */
function placesOf(found: readonly Span[], maskedBytes: number): Span[] {
  const places: Span[] = maskedBytes > 0 ? [{ start: 0, end: maskedBytes }] : [];
  for (const span of found) {
    const last = places.at(-1);
    if (last !== undefined && span.start < last.end) {
      places[places.length - 1] = { start: last.start, end: Math.max(last.end, span.end) };
    } else places.push(span);
  }
  return places;
}

function createStream(search: PatternSearch): Masker {
  /** Text and sequences from the first byte that is not shown. */
  let held: Buffer = Buffer.alloc(0);
  /** So many bytes of text at the start of `held` belong to a secret whose mask has been shown already. */
  let maskedBytes = 0;
  /** How many bytes of the Base64 alphabet ended what is shown. */
  let runBefore = 0;

  function show(data: Buffer, isEnd: boolean): Buffer {
    const { bytes, sequences, openAt } = textOf(data, runBefore);
    const until = isEnd ? bytes.length : search.openTail(bytes);
    const places = placesOf(search.find(bytes), maskedBytes);
    const shownUntil = isEnd ? data.length : dataOffset(sequences, until);
    held = Buffer.from(data.subarray(shownUntil));
    runBefore = Math.min(minWrappedBytes, runUntil(data, shownUntil, runBefore));
    if (places.length === 0) return data.subarray(0, shownUntil);
    const shown: Buffer[] = [];
    let position = 0;
    let next = 0;
    /** Text up to `end`, and the sequences that stand in it or before it: colours of what is masked outlive it. */
    const copy = (end: number) => {
      for (let sequence = sequences[next]; sequence !== undefined && sequence.at <= end; sequence = sequences[next]) {
        if (sequence.at > position) shown.push(bytes.subarray(position, sequence.at));
        shown.push(data.subarray(sequence.start, sequence.end));
        position = Math.max(position, sequence.at);
        next += 1;
      }
      if (end > position) shown.push(bytes.subarray(position, end));
      position = Math.max(position, end);
    };
    let maskedAfter = 0;
    for (const { start, end } of places) {
      const isShown = start === 0 && maskedBytes > 0;
      if (start >= until && !isShown) break;
      if (!isShown) {
        copy(start);
        shown.push(mask);
      }
      position = end;
      maskedAfter = Math.max(0, end - until);
    }
    copy(until);
    if (isEnd) shown.push(data.subarray(openAt));
    maskedBytes = maskedAfter;
    return Buffer.concat(shown);
  }

  return {
    push(chunk) {
      if (search.isEmpty) return chunk;
      return show(held.length === 0 ? chunk : Buffer.concat([held, chunk]), false);
    },
    end: () => show(held, true),
  };
}

/**
 * Prepares the masking of these secrets; each call of the result masks one stream. Values of at least six characters, and
 * their lines, become `***` in every form that `secretForms` lists, also with colours in between; nothing else is changed.
 * Memory is bounded by the longest form and one chunk.
 */
export function prepareMasking(secrets: readonly string[]): () => Masker {
  const search = searchFor(secretForms(secrets));
  return () => createStream(search);
}

/** A masker of one stream. */
export function createMasker(secrets: readonly string[]): Masker {
  return prepareMasking(secrets)();
}
