/** Owns the masking of secret values in a stream of output, across the borders of its chunks. */
import { createPatternSearch, type PatternSearch } from './pattern-search.ts';

/** Shorter values (`true`, `8080`) stand all over a log; masking them would hide the log and protect nothing. */
const minSecretChars = 6;
/** Below this, a fragment of Base64 is likely to occur by chance. */
const minBase64Chars = 8;
const mask = Buffer.from('***');

export interface Masker {
  /** What may be shown now. Holds back only a tail that could be the beginning of a secret. */
  push(chunk: Buffer): Buffer;
  /** The rest. What is pushed afterwards is a new stream. */
  end(): Buffer;
}

/** The Base64 characters that depend on `value` alone, wherever it stands in what was encoded (as in `user:password`). */
function base64Forms(value: Buffer): string[] {
  const forms = [value.toString('base64'), value.toString('base64url')];
  for (const offset of [0, 1, 2]) {
    const bits = (offset + value.length) * 8;
    const encoded = Buffer.concat([Buffer.alloc(offset), value]).toString('base64');
    const inner = encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(bits / 6));
    forms.push(inner, inner.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return forms.filter(form => form.length >= minBase64Chars);
}

function uriEncoded(value: string): string[] {
  try {
    return [encodeURIComponent(value), encodeURI(value)];
  } catch {
    // A lone surrogate has no URI form.
    return [];
  }
}

function patternsOf(secrets: readonly string[]): Buffer[] {
  const forms = new Set<string>();
  for (const secret of secrets) {
    // A terminal turns "\n" into "\r\n", so each line of a secret is a secret.
    for (const value of [secret, ...secret.split(/\r?\n/), secret.trim()]) {
      if (value.length < minSecretChars) continue;
      forms.add(value);
      for (const form of base64Forms(Buffer.from(value, 'utf8'))) forms.add(form);
      for (const form of uriEncoded(value)) forms.add(form);
      forms.add(JSON.stringify(value).slice(1, -1));
    }
  }
  return [...forms].map(form => Buffer.from(form, 'utf8'));
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where any pattern stands in `data`, overlapping places as one, in order. */
function spansIn(data: Buffer, search: PatternSearch, alreadyMaskedBytes: number): Span[] {
  const found: Span[] = search.findIn(data);
  if (alreadyMaskedBytes > 0) found.push({ start: 0, end: alreadyMaskedBytes });
  found.sort((a, b) => a.start - b.start || b.end - a.end);
  const merged: Span[] = [];
  for (const span of found) {
    const last = merged.at(-1);
    if (last !== undefined && span.start < last.end) {
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, span.end) };
    } else merged.push(span);
  }
  return merged;
}

/** Where the longest tail of `data` begins that is the beginning of a pattern. */
function heldBackFrom(data: Buffer, patterns: readonly Buffer[], longest: number): number {
  for (let at = Math.max(0, data.length - longest + 1); at < data.length; at += 1) {
    const tailBytes = data.length - at;
    for (const pattern of patterns) {
      if (pattern[0] === data[at] && pattern.length > tailBytes && data.compare(pattern, 0, tailBytes, at) === 0)
        return at;
    }
  }
  return data.length;
}

/**
 * Replaces each of `secrets` of at least six characters by `***` in a stream of bytes: as it is, each of its lines, and
 * in Base64, URI and JSON encoding. Memory is bounded by the longest secret and one chunk.
 */
export function createMasker(secrets: readonly string[]): Masker {
  const patterns = patternsOf(secrets);
  const search = createPatternSearch(patterns);
  const longest = patterns.reduce((most, pattern) => Math.max(most, pattern.length), 0);
  let held = Buffer.alloc(0);
  /** So many bytes at the start of `held` belong to a secret whose mask has been shown already. */
  let maskedBytes = 0;

  function show(data: Buffer, until: number): Buffer {
    const shown: Buffer[] = [];
    let position = 0;
    let maskedAfter = 0;
    for (const span of spansIn(data, search, maskedBytes)) {
      const isShown = span.start === 0 && maskedBytes > 0;
      if (span.start >= until && !isShown) break;
      shown.push(data.subarray(position, span.start));
      if (!isShown) shown.push(mask);
      position = span.end;
      maskedAfter = Math.max(0, span.end - until);
    }
    if (position < until) shown.push(data.subarray(position, until));
    held = Buffer.from(data.subarray(until));
    maskedBytes = maskedAfter;
    return Buffer.concat(shown);
  }

  return {
    push(chunk) {
      if (patterns.length === 0) return chunk;
      const data = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      return show(data, heldBackFrom(data, patterns, longest));
    },
    end: () => show(held, held.length),
  };
}
