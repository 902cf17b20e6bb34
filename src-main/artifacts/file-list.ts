/** Owns the canonical file list, the text whose SHA-256 is the artifact id. Knows neither disks nor packs. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { type FileEntry, fileEntrySchema } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { assertSafeEntries, comparePaths } from './safe-path.ts';

export { assertSafePath } from './safe-path.ts';

const listType = 'slipway.files/v1';
const head = `{"type":"${listType}","entries":[\n`;
const tail = ']}\n';
const newline = 0x0a;

/** A million entries with names of ordinary length stay below this; a longer text is not read into memory. */
export const maximumFileListBytes = 256 * 1024 * 1024;

/** What is encoded before others have their turn: about a millisecond's work. */
const entriesAtATime = 500;
const linesBytes = 64 * 1024;

/** Fields in one fixed order, so that equal entries are equal text. */
function encodeEntry(entry: FileEntry): string {
  switch (entry.kind) {
    case 'file': {
      const { kind, path, executable, sizeBytes, sha256 } = entry;
      return JSON.stringify({ kind, path, executable, sizeBytes, sha256 });
    }
    case 'link':
      return JSON.stringify({ kind: entry.kind, path: entry.path, target: entry.target });
    case 'directory':
      return JSON.stringify({ kind: entry.kind, path: entry.path });
  }
}

/**
 * The one text for a set of entries, in UTF-8: a JSON document with one entry on each line,
 *
 *     {"type":"slipway.files/v1","entries":[
 *     {"kind":"file","path":"a","executable":false,"sizeBytes":1,"sha256":"…"},
 *     {"kind":"link","path":"b","target":"a"}
 *     ]}
 *
 * sorted by the bytes of the path, fields in this order, no other white space, a newline at the end, strings escaped as
 * `JSON.stringify` does (ECMA-262 section 25.5.2). The order of `entries` does not matter.
 *
 * Throws `artifact.empty`, `artifact.unsafe_path` (also for a duplicate), `artifact.too_large`.
 */
export function encodeFileList(entries: readonly FileEntry[]): Uint8Array {
  if (entries.length === 0) {
    throw new DomainError('artifact.empty', 'The artifact has no files. Check what the plan includes and excludes.');
  }
  assertSafeEntries(entries);
  const text = new ListText();
  for (const entry of entries.toSorted((a, b) => comparePaths(a.path, b.path))) text.add(entry);
  return text.finish();
}

/**
 * As `encodeFileList`, of entries that are safe and in order; lets others have their turn, and holds no more than the text. `roomBytes`
 * should be enough for it: memory that is not written to costs nothing, and a text that grows is there twice while it moves.
 */
export async function encodeSortedFileList(entries: Iterable<FileEntry>, roomBytes: number): Promise<Uint8Array> {
  const text = new ListText(Math.min(roomBytes, maximumFileListBytes));
  let count = 0;
  for (const entry of entries) {
    text.add(entry);
    count += 1;
    if (count % entriesAtATime === 0) await setImmediate();
  }
  return text.finish();
}

/** The text of a list in the making. */
class ListText {
  #bytes: Buffer<ArrayBuffer>;
  #length = 0;
  #lines = head;
  #separator = '';

  constructor(roomBytes = linesBytes) {
    this.#bytes = Buffer.from(new ArrayBuffer(roomBytes));
  }

  add(entry: FileEntry): void {
    this.#lines += this.#separator + encodeEntry(entry);
    this.#separator = ',\n';
    if (this.#lines.length > linesBytes) this.#flush();
  }

  #flush(): void {
    const bytes = Buffer.byteLength(this.#lines);
    const sizeBytes = this.#length + bytes;
    if (sizeBytes > maximumFileListBytes) {
      throw new DomainError(
        'artifact.too_large',
        `The artifact's file list has more than ${maximumFileListBytes} bytes. Exclude what machines do not need.`,
        { sizeBytes },
      );
    }
    if (sizeBytes > this.#bytes.length) {
      this.#bytes = Buffer.from(this.#bytes.buffer.transfer(Math.max(sizeBytes, this.#bytes.length * 2)));
    }
    this.#length += this.#bytes.write(this.#lines, this.#length, 'utf8');
    this.#lines = '';
  }

  finish(): Uint8Array {
    this.#lines += `\n${tail}`;
    this.#flush();
    return new Uint8Array(this.#bytes.buffer, 0, this.#length);
  }
}

/** The artifact id of an encoded file list: its SHA-256, in hex. */
export function artifactIdOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Null where the bytes are not UTF-8. */
function textOf(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

function readEntry(text: string, malformed: (reason: string) => DomainError): FileEntry {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw malformed('is not JSON');
  }
  const { data: entry, error } = fileEntrySchema.safeParse(json);
  if (error) throw malformed(`is not a list that this version knows: ${z.prettifyError(error).slice(0, 500)}`);
  if (encodeEntry(entry) !== text) throw malformed('is not in canonical form');
  return entry;
}

/**
 * Reads a file list that should be the artifact's, whoever gave it: digest, shape, canonical form, each path and link.
 *
 * Takes about a second of the calling thread for 200,000 entries. Throws `artifact.digest_mismatch`, `artifact.malformed`,
 * `artifact.unsafe_path`, `artifact.too_large`.
 */
export function decodeFileList(bytes: Uint8Array, artifactId: string): FileEntry[] {
  if (bytes.length > maximumFileListBytes) {
    throw new DomainError(
      'artifact.too_large',
      `The file list of artifact ${artifactId} has ${bytes.length} bytes; at most ${maximumFileListBytes} are read.`,
      { artifactId, sizeBytes: bytes.length },
    );
  }
  const actual = artifactIdOf(bytes);
  if (actual !== artifactId) {
    throw new DomainError(
      'artifact.digest_mismatch',
      `The file list of artifact ${artifactId} was damaged: its digest is ${actual}. It will be fetched again; if that does not help, replicate the artifact to this store again.`,
      { artifactId, actual },
    );
  }
  const malformed = (reason: string) =>
    new DomainError(
      'artifact.malformed',
      `The file list of artifact ${artifactId} ${reason}. Build the revision again with this version of Slipway.`,
      { artifactId },
    );
  const entries: FileEntry[] = [];
  // Line by line, as the canonical form has them: a list of a million entries is not there as one text and as one value besides.
  let end = bytes.indexOf(newline);
  if (textOf(bytes.subarray(0, end + 1)) !== head) throw malformed('is not a list that this version knows');
  for (let start = end + 1; ; start = end + 1) {
    end = bytes.indexOf(newline, start);
    const line = end < 0 ? null : textOf(bytes.subarray(start, end));
    if (line === null) throw malformed('is not in UTF-8, or is cut short');
    const isLast = !line.endsWith(',');
    const entry = readEntry(isLast ? line : line.slice(0, -1), malformed);
    const before = entries.at(-1);
    if (before !== undefined && comparePaths(before.path, entry.path) > 0) throw malformed('is not in order');
    entries.push(entry);
    if (isLast) break;
  }
  if (textOf(bytes.subarray(end + 1)) !== tail) throw malformed('goes on after its end');
  assertSafeEntries(entries);
  return entries;
}
