/** Owns the masking of secret values in a stream of output: across the borders of its chunks, and through its colours. */
import { type PatternSearch, type Span, searchFor } from './pattern-search.ts';
import { secretForms } from './secret-forms.ts';

const mask = Buffer.from('***');
const escapeByte = 0x1b;
/** A control sequence longer than this is not one: it is looked at as text. */
const maxSequenceBytes = 64;

export interface Masker {
  /** What may be shown now. Holds back only a tail that could be the beginning of a secret. */
  push(chunk: Buffer): Buffer;
  /** The rest. */
  end(): Buffer;
}

/** A control sequence, taken out of the text before its byte `at`; where it stood in the data. */
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

function textOf(data: Buffer): Text {
  let lead = data.indexOf(escapeByte);
  if (lead < 0) return { bytes: data, sequences: [], openAt: data.length };
  const bytes = Buffer.allocUnsafe(data.length);
  const sequences: Sequence[] = [];
  let length = 0;
  let position = 0;
  while (lead >= 0) {
    const end = sequenceEnd(data, lead);
    if (end === null) {
      lead = data.indexOf(escapeByte, lead + 1);
      continue;
    }
    length += data.copy(bytes, length, position, lead);
    if (end > data.length) return { bytes: bytes.subarray(0, length), sequences, openAt: lead };
    sequences.push({ at: length, start: lead, end });
    position = end;
    lead = data.indexOf(escapeByte, end);
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

  function show(data: Buffer, isEnd: boolean): Buffer {
    const { bytes, sequences, openAt } = textOf(data);
    const until = isEnd ? bytes.length : search.openTail(bytes);
    const places = placesOf(search.find(bytes), maskedBytes);
    const shownUntil = isEnd ? data.length : dataOffset(sequences, until);
    held = Buffer.from(data.subarray(shownUntil));
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
