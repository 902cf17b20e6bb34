/** Owns reading a job's log by byte range, cut where a character and if possible a line ends. Never the whole file. */
import { open, stat } from 'node:fs/promises';
import { systemErrorCode } from '../../contract/errors.ts';
import type { LogChunk } from '../../contract/views/log.ts';
import { type LogLines, lineStart } from './log-lines.ts';

const lineFeed = 0x0a;

export async function logSizeBytes(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return 0;
    throw error;
  }
}

/** Length of `bytes` without a UTF-8 character that is cut off at the end. Source: RFC 3629. */
function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(4, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes.length;
    if (byte < 0xc0) continue;
    const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return needs > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

export interface LogRange {
  /** In bytes, both. */
  readonly offset: number;
  readonly limit: number;
  /** `line` begins where the line begins that holds `offset`. */
  readonly start: 'exact' | 'line';
}

/**
 * Part of a log. `finished` says that no more will be written, `reclaimedAtMs` since when it is not kept any more.
 */
export async function readLog(
  file: string,
  range: LogRange,
  lines: LogLines,
  { finished, reclaimedAtMs }: { readonly finished: boolean; readonly reclaimedAtMs: number | null },
): Promise<LogChunk> {
  const totalBytes = await logSizeBytes(file);
  if (totalBytes === 0) {
    return { text: '', offset: 0, nextOffset: 0, totalBytes, line: 1, complete: finished, reclaimedAtMs };
  }
  const handle = await open(file, 'r');
  try {
    const wanted = Math.min(range.offset, totalBytes);
    const start = range.start === 'line' ? await lineStart(handle, wanted) : wanted;
    const line = 1 + (await lines.before(file, handle, start));
    const buffer = Buffer.allocUnsafe(Math.min(range.limit, totalBytes - start));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
    let bytes = buffer.subarray(0, bytesRead);
    const reachesEnd = start + bytesRead >= totalBytes;
    const lastLine = bytes.lastIndexOf(lineFeed);
    if (!reachesEnd && lastLine >= 0) bytes = bytes.subarray(0, lastLine + 1);
    else if (!(reachesEnd && finished)) bytes = bytes.subarray(0, wholeCharacters(bytes));
    const nextOffset = start + bytes.length;
    return {
      text: bytes.toString('utf8'),
      offset: start,
      nextOffset,
      totalBytes,
      line,
      complete: finished && nextOffset >= totalBytes,
      reclaimedAtMs,
    };
  } finally {
    await handle.close();
  }
}
