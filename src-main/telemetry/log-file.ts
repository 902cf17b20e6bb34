/** Owns the engine's log as a file that never passes its limit: at the limit it becomes the older one, whose place it takes. */
import { createWriteStream, statSync, type WriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import type { LogSink } from './logger.ts';

/** Weeks of an engine at rest; a fault that repeats every second fills it in a day and keeps the last two days. */
const defaultLimitBytes = 16 * 1024 * 1024;
/** While the disk takes nothing, so many lines wait; those after them are lost. */
const maxWaitingLines = 1_000;

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

/** A sink that appends to `path`, and keeps one older file. Never throws: a log that cannot be written must not end what it tells of. */
export function createLogFile(path: string, olderPath: string, limitBytes = defaultLimitBytes): LogSink {
  let file: WriteStream | null = null;
  let sizeBytes = sizeOf(path);
  /** Lines that came while the file is being put aside; null while it is not. */
  let waiting: string[] | null = null;

  function open(): WriteStream {
    const opened = createWriteStream(path, { flags: 'a', mode: 0o600 });
    // The next line tries again, when the disk has space.
    opened.on('error', () => {
      if (file === opened) file = null;
    });
    return opened;
  }

  function append(line: string): void {
    file ??= open();
    file.write(line);
    sizeBytes += Buffer.byteLength(line);
  }

  /** Closed first: Windows renames no open file. */
  function putAside(full: WriteStream | null): void {
    waiting = [];
    file = null;
    const goOn = () => {
      const lines = waiting ?? [];
      waiting = null;
      sizeBytes = sizeOf(path);
      for (const line of lines) append(line);
    };
    const move = () => void rename(path, olderPath).then(goOn, goOn);
    if (full === null || full.closed) move();
    else {
      full.once('close', move);
      full.end();
    }
  }

  return {
    write(line) {
      const isFull = sizeBytes > 0 && sizeBytes + Buffer.byteLength(line) > limitBytes;
      if (isFull && waiting === null) putAside(file);
      if (waiting === null) append(line);
      else if (waiting.length < maxWaitingLines) waiting.push(line);
    },
  };
}
