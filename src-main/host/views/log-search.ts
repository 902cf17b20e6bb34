/** Owns searching the whole log of an attempt: read in pieces, as a reader sees it. Bounded in memory, whatever the log's size. */
import { type FileHandle, open } from 'node:fs/promises';
import { systemErrorCode } from '../../contract/errors.ts';
import type { LogMatch, LogSearch } from '../../contract/views/log.ts';

const lineFeed = 0x0a;
/** So much is read at once; a piece takes a few milliseconds, between which the engine does other work. */
const pieceBytes = 1024 * 1024;
/** What pieces of one overlong line share, so that a match across their border is found: more than any text that may be looked for. */
const overlapBytes = 4 * 1024;
/** Of a matching line, with a third of it before the match. */
const excerptLength = 300;

const escapeByte = 0x1b;
const carriageReturn = 0x0d;
const bracket = 0x5b;
const finalByte = 0x6d;

export interface LogQuery {
  readonly text: string;
  readonly case: 'match' | 'ignore';
  /** Matches of lines that begin before this byte are counted, not listed. */
  readonly after: number;
  readonly limit: number;
}

/** Each byte as it is compared: itself, or its small letter. */
const asIs = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const small = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));

/**
 * Writes `bytes` to `out` as they are shown: without colours, and without what a progress line wrote over; its length, and the line
 * feeds, which both have. One pass over bytes: as text, with expressions, it takes five times as long.
 */
function fold(bytes: Uint8Array, letters: Uint8Array, out: Uint8Array): { length: number; feeds: number } {
  let length = 0;
  let feeds = 0;
  let lineAt = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === escapeByte && bytes[at + 1] === bracket) {
      let end = at + 2;
      // Digits, semicolon, colon: the log has no other sequences. Source: ECMA-48, 8.3.117.
      for (let next = bytes[end] ?? 0; next >= 0x30 && next <= 0x3b; next = bytes[end] ?? 0) end += 1;
      at = bytes[end] === finalByte ? end : end - 1;
    } else if (byte === lineFeed) {
      out[length++] = byte;
      feeds += 1;
      lineAt = length;
    } else if (byte === carriageReturn) {
      const next = bytes[at + 1];
      if (next !== undefined && next !== lineFeed && next !== carriageReturn) length = lineAt;
    } else {
      out[length++] = letters[byte] ?? 0;
    }
  }
  return { length, feeds };
}

/** What a line says around the first place that holds the text. */
function excerpt(line: Buffer, query: LogQuery): string {
  const out = Buffer.allocUnsafe(line.length);
  const text = out.toString('utf8', 0, fold(line, asIs, out).length);
  const ignore = query.case === 'ignore';
  const at = Math.max(0, (ignore ? text.toLowerCase() : text).indexOf(ignore ? query.text.toLowerCase() : query.text));
  const from = Math.max(0, Math.min(at - excerptLength / 3, text.length - excerptLength));
  const cut = text.slice(from, from + excerptLength);
  return `${from > 0 ? '…' : ''}${cut}${from + excerptLength < text.length ? '…' : ''}`;
}

/** Collects the matches of one search, piece by piece. */
class Matches {
  readonly list: LogMatch[] = [];
  total = 0;
  next: number | null = null;
  readonly #query: LogQuery;
  readonly #wanted: Buffer;
  readonly #letters: Uint8Array;
  /** Letters beyond ASCII have their small ones by Unicode's rules, which need text. */
  readonly #needsText: boolean;
  readonly #folded: Buffer;
  #lastLine = 0;

  constructor(query: LogQuery, mostBytes: number) {
    this.#query = query;
    this.#wanted = Buffer.from(query.case === 'match' ? query.text : query.text.toLowerCase());
    this.#letters = query.case === 'match' ? asIs : small;
    this.#needsText = query.case === 'ignore' && this.#wanted.some(byte => byte >= 0x80);
    this.#folded = Buffer.allocUnsafe(mostBytes);
  }

  /**
   * Line feeds in `bytes`, which begin at `offset` of the log, in its line `line` (from 1). That line begins at `lineOffset`: earlier where
   * it is longer than a piece.
   */
  add(bytes: Buffer, offset: number, line: number, lineOffset: number): number {
    const { length, feeds } = fold(bytes, this.#letters, this.#folded);
    const plain = this.#folded.subarray(0, length);
    const folded = this.#needsText ? Buffer.from(plain.toString('utf8').toLowerCase()) : plain;
    let current = line;
    let counted = 0;
    let listedByte = 0;
    let listedLine = line;
    for (let at = folded.indexOf(this.#wanted); at >= 0; ) {
      for (; counted < at; counted += 1) if (folded[counted] === lineFeed) current += 1;
      // A line that lies in several pieces is one match.
      if (current > this.#lastLine) {
        this.#lastLine = current;
        this.total += 1;
        if (this.next === null) {
          for (; listedLine < current; listedLine += 1) listedByte = bytes.indexOf(lineFeed, listedByte) + 1;
          this.#list(current === line ? lineOffset : offset + listedByte, current, bytes.subarray(listedByte));
        }
      }
      while (counted < folded.length && folded[counted] !== lineFeed) counted += 1;
      if (counted === folded.length) break;
      at = folded.indexOf(this.#wanted, counted);
    }
    return feeds;
  }

  #list(offset: number, line: number, rest: Buffer): void {
    if (offset < this.#query.after) return;
    if (this.list.length === this.#query.limit) {
      this.next = offset;
      return;
    }
    const feed = rest.indexOf(lineFeed);
    this.list.push({ offset, line, text: excerpt(feed < 0 ? rest : rest.subarray(0, feed), this.#query) });
  }
}

/** The bytes of `piece` that are searched now: whole lines, or all of a line that is longer than a piece. */
function wholeLines(piece: Buffer, reachesEnd: boolean): number {
  if (reachesEnd) return piece.length;
  const lastLine = piece.lastIndexOf(lineFeed);
  return lastLine >= 0 ? lastLine + 1 : piece.length;
}

async function searchFile(handle: FileHandle, query: LogQuery, signal: AbortSignal | undefined) {
  const { size: totalBytes } = await handle.stat();
  const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, totalBytes));
  const matches = new Matches(query, buffer.length);
  let line = 1;
  let lineOffset = 0;
  let endsInLine = false;
  for (let offset = 0; offset < totalBytes && !signal?.aborted; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(pieceBytes, totalBytes - offset), offset);
    if (bytesRead === 0) break;
    const reachesEnd = offset + bytesRead >= totalBytes;
    const bytes = buffer.subarray(0, wholeLines(buffer.subarray(0, bytesRead), reachesEnd));
    line += matches.add(bytes, offset, line, lineOffset);
    endsInLine = bytes[bytes.length - 1] !== lineFeed;
    if (!endsInLine) lineOffset = offset + bytes.length;
    offset += endsInLine && !reachesEnd ? bytes.length - overlapBytes : bytes.length;
  }
  const lineCount = totalBytes === 0 ? 0 : line - (endsInLine ? 0 : 1);
  return { matches: matches.list, total: matches.total, lineCount, totalBytes, next: matches.next };
}

/**
 * The lines of a log that hold a text, each once. A log that is not there has none. `signal` ends it early, with what
 * was found by then.
 */
export async function searchLog(
  file: string,
  query: LogQuery,
  signal?: AbortSignal,
): Promise<Omit<LogSearch, 'reclaimedAtMs'>> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return { matches: [], total: 0, lineCount: 0, totalBytes: 0, next: null };
    throw error;
  }
  try {
    return await searchFile(handle, query, signal);
  } finally {
    await handle.close();
  }
}
