/** Owns which bytes of a log are loaded: a window that follows the end and grows upwards. Knows neither terminal nor transport. */
import type { LogChunk } from '../../../src-main/contract/views/log.ts';
import { plainText, sanitizeLog, splitCutEscape } from './log-text.ts';

/** Reads part of a log; offsets and limits in bytes. `line` begins where the line begins that holds `offset`. */
export type ReadLog = (offset: number, limit: number, start?: 'exact' | 'line') => Promise<LogChunk>;

export interface LogPiece {
  readonly offset: number;
  readonly nextOffset: number;
  /** Sanitised, with colours. */
  readonly text: string;
  /** Line breaks in `text`. */
  readonly lineCount: number;
}

/** One request. The contract allows 1 MiB; a smaller one shows the first lines sooner. */
const readBytes = 256 * 1024;
/** A log up to this size is loaded whole. */
const wholeLogBytes = 4 * 1024 * 1024;
/** What is kept of a longer one. The terminal keeps about as many lines. */
const windowBytes = wholeLogBytes;
/** Shown first of a log too long to be loaded whole. */
const tailBytes = 512 * 1024;

/** How the window changed: `appended` can be written after what is shown, `replaced` wants everything written anew. */
export type LogChange = { kind: 'none' } | { kind: 'appended'; text: string } | { kind: 'replaced' };

export class LogWindow {
  readonly #read: ReadLog;
  readonly #boundaries: () => readonly number[];
  #pieces: LogPiece[] = [];
  #carry = '';
  #start = 0;
  #end = 0;
  /** Lines before `#start`. */
  #linesBefore = 0;
  #droppedLines = 0;
  #totalBytes = 0;
  #complete = false;
  #opened = false;

  /** `boundaries`: byte offsets at which steps begin, so that a step's first line is a piece's first line. */
  constructor(read: ReadLog, boundaries: () => readonly number[]) {
    this.#read = read;
    this.#boundaries = boundaries;
  }

  get startOffset(): number {
    return this.#start;
  }
  get endOffset(): number {
    return this.#end;
  }
  get totalBytes(): number {
    return this.#totalBytes;
  }
  /** Nothing more will be written, and all of it was read. */
  get complete(): boolean {
    return this.#complete && this.#end >= this.#totalBytes;
  }
  /** Number of the first loaded line, from 1. */
  get firstLineNumber(): number {
    return this.#linesBefore + 1;
  }
  /** Lines that fell off the top since the window was last replaced: what shows them still counts them. */
  get droppedLines(): number {
    return this.#droppedLines;
  }
  get lineCount(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.lineCount, 0);
  }
  get pieces(): readonly LogPiece[] {
    return this.#pieces;
  }

  /** What is loaded, with colours. */
  text(): string {
    return this.#pieces.map(piece => piece.text).join('');
  }

  /** What is loaded, line by line, without colours. */
  lines(): string[] {
    return plainText(this.text()).split('\n');
  }

  /** Reads on from the end, once; call again while `more` holds. Errors of the read pass through and change nothing. */
  async readOn(): Promise<LogChange> {
    let chunk = await this.#read(this.#end, readBytes);
    if (!this.#opened) {
      this.#opened = true;
      const start = this.#startFor(chunk.totalBytes);
      if (start > 0) {
        chunk = await this.#read(start, readBytes, 'line');
        this.#start = chunk.offset;
        this.#end = chunk.offset;
        this.#linesBefore = chunk.line - 1;
      }
    }
    this.#totalBytes = Math.max(chunk.totalBytes, chunk.nextOffset);
    this.#complete = chunk.complete;
    if (chunk.nextOffset <= this.#end) return { kind: 'none' };
    const added = this.#piecesOf(this.#end, chunk);
    this.#pieces.push(...added);
    this.#end = chunk.nextOffset;
    this.#dropOldest();
    return { kind: 'appended', text: added.map(piece => piece.text).join('') };
  }

  get more(): boolean {
    return !this.#opened || this.#end < this.#totalBytes;
  }

  /** Loads what lies before the window. `none` where the window begins at the log's start. */
  async readBefore(): Promise<LogChange> {
    if (this.#start === 0) return { kind: 'none' };
    const from = Math.max(0, this.#start - readBytes);
    const first = await this.#read(from, this.#start - from, 'line');
    if (first.nextOffset <= first.offset) return { kind: 'none' };
    const chunks = [first];
    for (let offset = first.nextOffset; offset < this.#start; ) {
      const chunk = await this.#read(offset, this.#start - offset);
      if (chunk.nextOffset <= offset) return { kind: 'none' };
      chunks.push(chunk);
      offset = chunk.nextOffset;
    }
    // What the end of the log still waits for does not belong to what lies before the window.
    const carry = this.#carry;
    this.#carry = '';
    const earlier = chunks.flatMap(chunk => this.#piecesOf(chunk.offset, chunk));
    this.#carry = carry;
    this.#pieces = [...earlier, ...this.#pieces];
    this.#start = first.offset;
    this.#linesBefore = first.line - 1;
    this.#droppedLines = 0;
    this.#dropNewest();
    return { kind: 'replaced' };
  }

  /** Moves the window so that it holds the byte at `offset`, from its line's beginning. `none` where it does already. */
  async goTo(offset: number): Promise<LogChange> {
    if (this.#opened && offset >= this.#start && offset < this.#end) return { kind: 'none' };
    const chunk = await this.#read(offset, readBytes, 'line');
    this.#opened = true;
    this.#totalBytes = Math.max(chunk.totalBytes, chunk.nextOffset);
    this.#complete = chunk.complete;
    this.#carry = '';
    this.#start = chunk.offset;
    this.#end = chunk.nextOffset;
    this.#linesBefore = chunk.line - 1;
    this.#droppedLines = 0;
    this.#pieces = chunk.nextOffset > chunk.offset ? this.#piecesOf(chunk.offset, chunk) : [];
    return { kind: 'replaced' };
  }

  /** Forgets what is loaded: the next `readOn` begins near the end again. */
  reset(): void {
    this.#pieces = [];
    this.#carry = '';
    this.#start = 0;
    this.#end = 0;
    this.#linesBefore = 0;
    this.#droppedLines = 0;
    this.#opened = false;
  }

  /** Index of the loaded line that holds the byte at `offset`; null outside the window. Exact where a piece begins there. */
  lineAtOffset(offset: number): number | null {
    if (offset < this.#start || offset >= this.#end) return null;
    let line = 0;
    for (const piece of this.#pieces) {
      if (offset < piece.nextOffset) return line + linesBeforeByte(piece, offset - piece.offset);
      line += piece.lineCount;
    }
    return null;
  }

  /** Index of the loaded line with this number; null where it is not loaded. */
  indexOfLine(number: number): number | null {
    const index = number - this.firstLineNumber;
    return index >= 0 && index <= this.lineCount && this.#pieces.length > 0 ? index : null;
  }

  /** Where to begin: at the start of a short log, near the end of a long one. */
  #startFor(totalBytes: number): number {
    if (totalBytes <= wholeLogBytes) return 0;
    const wanted = totalBytes - tailBytes;
    const nearest = this.#boundaries().findLast(offset => offset <= wanted);
    // A step's start within a tail's length is a better beginning than the middle of a line.
    return nearest !== undefined && wanted - nearest < tailBytes ? nearest : wanted;
  }

  /** A chunk as pieces, cut where steps begin. Cutting needs the text's bytes to be the log's bytes. */
  #piecesOf(offset: number, chunk: LogChunk): LogPiece[] {
    const last = chunk.nextOffset >= chunk.totalBytes && chunk.complete;
    const cuts = this.#boundaries().filter(cut => cut > offset && cut < chunk.nextOffset);
    const bytes = cuts.length === 0 ? null : new TextEncoder().encode(chunk.text);
    if (!bytes || bytes.length !== chunk.nextOffset - offset) {
      return [pieceOf(offset, chunk.nextOffset, this.#clean(chunk.text, last))];
    }
    const decoder = new TextDecoder();
    return [offset, ...cuts].map((from, index) => {
      const to = cuts[index] ?? chunk.nextOffset;
      const raw = decoder.decode(bytes.subarray(from - offset, to - offset));
      return pieceOf(from, to, this.#clean(raw, last && to === chunk.nextOffset));
    });
  }

  #clean(raw: string, last: boolean): string {
    const joined = this.#carry + raw;
    if (last) {
      this.#carry = '';
      return sanitizeLog(joined);
    }
    const { whole, cut } = splitCutEscape(joined);
    this.#carry = cut;
    return sanitizeLog(whole);
  }

  #dropOldest(): void {
    while (this.#pieces.length > 1 && this.#end - this.#start > windowBytes) {
      const dropped = this.#pieces.shift();
      if (!dropped) return;
      this.#start = dropped.nextOffset;
      this.#droppedLines += dropped.lineCount;
      this.#linesBefore += dropped.lineCount;
    }
  }

  #dropNewest(): void {
    while (this.#pieces.length > 1 && this.#end - this.#start > windowBytes) {
      const dropped = this.#pieces.pop();
      if (!dropped) return;
      this.#end = dropped.offset;
      this.#carry = '';
    }
  }
}

function pieceOf(offset: number, nextOffset: number, text: string): LogPiece {
  let lineCount = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lineCount++;
  return { offset, nextOffset, text, lineCount };
}

/** Line breaks before the byte: by the text's own bytes, which sanitising may have made fewer. */
function linesBeforeByte(piece: LogPiece, byte: number): number {
  if (byte <= 0) return 0;
  const bytes = new TextEncoder().encode(piece.text);
  let lines = 0;
  for (let at = 0; at < Math.min(byte, bytes.length); at++) if (bytes[at] === 0x0a) lines++;
  return lines;
}
