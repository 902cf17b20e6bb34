/** Owns saving a whole log as a file: read by range, sanitised, without colours. */
import { plainText, sanitizeLog } from './log-text.ts';
import type { ReadLog } from './log-window.ts';
import { saveFile } from './save-file.ts';

const readBytes = 1024 * 1024;

/** A file name that every file system takes. */
export function logFileName(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '');
  return `${safe.slice(0, 100) || 'job'}.log`;
}

/** Reads a log to its end and hands it to the browser as a download; returns its size in bytes. */
export async function downloadLog({ read, name }: { read: ReadLog; name: string }): Promise<number> {
  const parts: Blob[] = [];
  for (let offset = 0; ; ) {
    const chunk = await read(offset, readBytes);
    // A blob may lie on disk; a string of the whole log would lie in memory.
    if (chunk.text) parts.push(new Blob([plainText(sanitizeLog(chunk.text))]));
    if (chunk.nextOffset <= offset || chunk.nextOffset >= chunk.totalBytes) break;
    offset = chunk.nextOffset;
  }
  const whole = new Blob(parts, { type: 'text/plain;charset=utf-8' });
  saveFile(logFileName(name), whole);
  return whole.size;
}
