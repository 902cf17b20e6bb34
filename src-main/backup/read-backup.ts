/** Owns reading a backup as a stream: each entry with its bytes, and what its manifest says against what was read. Writes nothing. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import { tarBlockBytes, tarPaddingBytes } from '../artifacts/tar-header.ts';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import {
  type BackupHeader,
  backupHeaderSchema,
  damaged,
  headerPath,
  type ManifestEntry,
  manifestEndSchema,
  manifestEntrySchema,
  manifestPath,
  maxHeaderBytes,
  mayRestore,
} from './backup-format.ts';

/** Takes the bytes of entries; `begin` is called once for each, in their order. */
export interface EntrySink {
  begin(path: string, sizeBytes: number): Promise<void>;
  take(bytes: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

export interface BackupContents {
  readonly header: BackupHeader;
  readonly entries: readonly ManifestEntry[];
  readonly sizeBytes: number;
}

interface TarHeader {
  readonly name: string;
  readonly sizeBytes: number;
  readonly type: string;
}

/** Bytes of a stream in the amounts that are asked for. */
class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** At most `limit` bytes; empty at the end. */
  async some(limit: number): Promise<Uint8Array> {
    if (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done) return new Uint8Array();
      this.#rest = next.value;
    }
    const bytes = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(bytes.length);
    return bytes;
  }

  /** Exactly `count` bytes, or null where the stream ends before. */
  async exactly(count: number): Promise<Buffer | null> {
    const parts: Uint8Array[] = [];
    for (let missing = count; missing > 0; ) {
      const bytes = await this.some(missing);
      if (bytes.length === 0) return null;
      parts.push(bytes);
      missing -= bytes.length;
    }
    return Buffer.concat(parts);
  }
}

const textOf = (block: Buffer, start: number, length: number) =>
  block
    .subarray(start, start + length)
    .toString('utf8')
    .split('\0', 1)[0] ?? '';

/** Null for a block of zeros or one whose sum does not hold. Source: POSIX.1-2017, pax, "ustar Interchange Format". */
function parseHeader(block: Buffer): TarHeader | null {
  const stated = Number.parseInt(textOf(block, 148, 8).trim(), 8);
  let sum = 8 * 32;
  for (let index = 0; index < tarBlockBytes; index += 1) sum += index >= 148 && index < 156 ? 0 : (block[index] ?? 0);
  if (stated !== sum) return null;
  const sizeBytes = Number.parseInt(textOf(block, 124, 12).trim(), 8);
  return { name: textOf(block, 0, 100), sizeBytes, type: String.fromCharCode(block[156] ?? 0) };
}

function paxRecords(text: Buffer): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < text.length; ) {
    const [, digits = '', key = ''] =
      /^(\d{1,7}) ([^=]{1,100})=/.exec(text.subarray(at, at + 120).toString('utf8')) ?? [];
    const length = Number(digits);
    if (key === '' || length === 0) break;
    const valueAt = at + digits.length + 1 + Buffer.byteLength(key) + 1;
    records.set(key, text.subarray(valueAt, at + length - 1).toString('utf8'));
    at += length;
  }
  return records;
}

function readError(error: unknown, file: string): unknown {
  if (error instanceof DomainError) return error;
  const code = systemErrorCode(error);
  if (code === 'ENOENT') return new DomainError('not_found', `There is no file ${file}.`, { file });
  if (code && /^(EACCES|EPERM|EISDIR|EIO)$/.test(code)) {
    return new DomainError('data.unwritable', `${file} cannot be read (${code}).`, { file });
  }
  if (code && /^(ZSTD_|Z_|ERR_ZSTD|ERR_ZLIB)/.test(code)) {
    return damaged(file, `it cannot be decompressed (${messageOf(error)})`, error);
  }
  return error;
}

/** The header of the next file and nothing of its content; null at the end of the archive. */
async function nextFile(reader: ByteReader, file: string): Promise<{ path: string; sizeBytes: number } | null> {
  let records: ReadonlyMap<string, string> = new Map();
  for (;;) {
    const block = await reader.exactly(tarBlockBytes);
    if (block === null) throw damaged(file, 'it ends early, as a copy that was cut off');
    if (block.every(byte => byte === 0)) return null;
    const header = parseHeader(block);
    if (header === null) throw damaged(file, 'the header of an entry is wrong');
    if (header.type === 'x') {
      const text = header.sizeBytes <= maxHeaderBytes ? await reader.exactly(header.sizeBytes) : null;
      if (text === null) throw damaged(file, 'the header of an entry is too long');
      await reader.exactly(tarPaddingBytes(header.sizeBytes));
      records = paxRecords(text);
      continue;
    }
    const sizeBytes = Number(records.get('size') ?? header.sizeBytes);
    const path = records.get('path') ?? header.name;
    if (header.type !== '0' || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
      throw damaged(file, 'it holds what is no file');
    }
    return { path, sizeBytes };
  }
}

/** Lines as they come, the last one apart. Throws `backup.damaged`. */
async function checkManifest(
  reader: ByteReader,
  sizeBytes: number,
  read: readonly ManifestEntry[],
  file: string,
): Promise<void> {
  const digest = createHash('sha256');
  let rest = '';
  let index = 0;
  let end: string | null = null;
  for (let missing = sizeBytes; missing > 0; ) {
    const bytes = await reader.some(missing);
    if (bytes.length === 0) throw damaged(file, 'its manifest ends early');
    missing -= bytes.length;
    // Paths may be cut within a character at the end of a chunk: latin1 keeps the bytes apart until a line is whole.
    const lines = (rest + Buffer.from(bytes).toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (end !== null) throw damaged(file, 'its manifest goes on after its end');
      if (line.startsWith('{"entries"')) {
        end = line;
        continue;
      }
      digest.update(`${line}\n`, 'latin1');
      const entry = parsed(() => manifestEntrySchema.parse(JSON.parse(Buffer.from(line, 'latin1').toString('utf8'))));
      const seen = read[index];
      index += 1;
      if (entry === null || seen === undefined) throw damaged(file, 'its manifest cannot be read');
      if (entry.path !== seen.path || entry.sizeBytes !== seen.sizeBytes || entry.sha256 !== seen.sha256) {
        throw damaged(file, `${seen.path} is not as its manifest says`);
      }
    }
  }
  const stated = end === null ? null : parsed(() => manifestEndSchema.parse(JSON.parse(end ?? '')));
  if (stated?.sha256 !== digest.digest('hex') || stated.entries !== read.length || index !== read.length) {
    throw damaged(file, 'its manifest is not whole');
  }
}

function parsed<Value>(read: () => Value): Value | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/**
 * Reads a backup to its end and holds it to its manifest; `sink` gets what lies in it, before that is known. Memory grows with the number
 * of files alone. Throws `backup.damaged`, `not_found`, and what `sink` throws.
 */
export async function readBackup(file: string, sink: EntrySink | null, signal: AbortSignal): Promise<BackupContents> {
  const stream = pipeline(createReadStream(file), createZstdDecompress(), () => undefined);
  try {
    const reader = new ByteReader(stream);
    const first = await nextFile(reader, file);
    const text =
      first?.path === headerPath && first.sizeBytes <= maxHeaderBytes ? await reader.exactly(first.sizeBytes) : null;
    if (first === null || text === null) throw damaged(file, 'it is no backup of Slipway');
    const header = parsed(() => backupHeaderSchema.parse(JSON.parse(text.toString('utf8'))));
    if (header === null) throw damaged(file, 'it is a backup of a newer Slipway, or none');
    await reader.exactly(tarPaddingBytes(first.sizeBytes));
    const entries: ManifestEntry[] = [];
    const known = new Set<string>();
    let sum = 0;
    for (;;) {
      signal.throwIfAborted();
      const next = await nextFile(reader, file);
      if (next === null) throw damaged(file, 'it has no manifest');
      const { path, sizeBytes } = next;
      if (path === manifestPath) {
        await checkManifest(reader, sizeBytes, entries, file);
        return { header, entries, sizeBytes: sum };
      }
      if (!mayRestore(path) || known.has(path))
        throw damaged(file, `it holds ${JSON.stringify(path)}, which no backup does`);
      known.add(path);
      entries.push({ path, sizeBytes, sha256: await readEntry(reader, next, sink, file) });
      sum += sizeBytes;
    }
  } catch (error) {
    throw readError(error, file);
  } finally {
    stream.destroy();
  }
}

async function readEntry(
  reader: ByteReader,
  { path, sizeBytes }: { readonly path: string; readonly sizeBytes: number },
  sink: EntrySink | null,
  file: string,
): Promise<string> {
  const digest = createHash('sha256');
  await sink?.begin(path, sizeBytes);
  for (let missing = sizeBytes; missing > 0; ) {
    const bytes = await reader.some(missing);
    if (bytes.length === 0) throw damaged(file, `it ends within ${path}`);
    digest.update(bytes);
    await sink?.take(bytes);
    missing -= bytes.length;
  }
  await sink?.end();
  const padding = tarPaddingBytes(sizeBytes);
  if (padding > 0 && (await reader.exactly(padding)) === null) throw damaged(file, `it ends after ${path}`);
  return digest.digest('hex');
}
