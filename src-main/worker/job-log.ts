/** Owns the log file of one attempt: sanitised, masked, append-only, with the offset at which each step begins. */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../contract/errors.ts';
import { type Masker, prepareMasking } from '../secrets/masking.ts';
import { createLogSanitiser } from './log-sanitiser.ts';

/** A build that prints without end must not fill the disk. */
const maxLogBytes = 512 * 1024 * 1024;
/** So much output may wait while earlier output is written; then the step waits too. */
const maxWaitingBytes = 256 * 1024;
/** The interface needs no more hints of growth than this. */
const growthEveryMs = 100;

const dim = (text: string) => `\u001b[2m${text}\u001b[0m`;
const red = (text: string) => `\u001b[31m${text}\u001b[0m`;

export interface JobLog {
  /** With what is still on its way to the file. */
  readonly sizeBytes: number;
  /**
   * Output of a child process, as it comes; the chunk is kept, and must not be changed. Settles when there is room for more, not when it is in the file: that it could
   * not be written may be told by a later call, `close` at the latest.
   */
  write(chunk: Uint8Array): Promise<void>;
  /** A line of Slipway's own. */
  note(line: string): Promise<void>;
  problem(line: string): Promise<void>;
  /** From here on these values are masked too, in output and in our own lines. */
  mask(secrets: readonly string[]): Promise<void>;
  /** A masker of the values that are masked by now, for a text that is kept beside the log. */
  newMasker(): Masker;
  /** What lies in the file from `offset` on, masked and sanitised like all of it; what was held back is written first. */
  read(offset: number, maxBytes: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** Opens a new log; the file must not exist. `onGrowth` is called at most ten times a second, and after the last write. */
export async function openJobLog(options: {
  readonly file: string;
  readonly secrets: readonly string[];
  readonly onGrowth: () => void;
}): Promise<JobLog> {
  const openNew = async () => {
    await mkdir(dirname(options.file), { recursive: true });
    return open(options.file, 'wx+', 0o600);
  };
  // Once more: who reclaims the logs of earlier attempts removes the folder when it is empty.
  const handle = await openNew().catch(error => {
    if (systemErrorCode(error) === 'ENOENT') return openNew();
    throw error;
  });
  return createJobLog(handle, options.secrets, options.onGrowth);
}

/** Appends to the file in the order of the calls, one write at a time; what comes meanwhile goes together in the next. */
function createAppender(handle: FileHandle, onWritten: () => void) {
  let writtenBytes = 0;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let writing: Promise<void> | null = null;
  let failure: { readonly error: unknown } | null = null;

  const writeAll = async () => {
    try {
      while (waiting.length > 0) {
        let rest = waiting.length === 1 && waiting[0] ? waiting[0] : Buffer.concat(waiting);
        waiting = [];
        while (rest.length > 0) {
          const { bytesWritten } = await handle.write(rest);
          writtenBytes += bytesWritten;
          waitingBytes -= bytesWritten;
          rest = rest.subarray(bytesWritten);
        }
        onWritten();
      }
    } catch (error) {
      failure = { error };
      waiting = [];
      waitingBytes = 0;
    } finally {
      writing = null;
    }
  };
  /** Told once: the disk may have room again for what comes later. */
  const throwFailure = () => {
    if (failure === null) return;
    const { error } = failure;
    failure = null;
    throw error;
  };

  return {
    get sizeBytes() {
      return writtenBytes + waitingBytes;
    },
    /** Settles when there is room for more. */
    async append(bytes: Uint8Array) {
      throwFailure();
      waiting.push(bytes);
      waitingBytes += bytes.length;
      writing ??= writeAll();
      if (waitingBytes < maxWaitingBytes) return;
      await writing;
      throwFailure();
    },
    /** Settles when everything is in the file. */
    async settle() {
      await writing;
      throwFailure();
    },
  };
}

function createJobLog(handle: FileHandle, secrets: readonly string[], onGrowth: () => void): JobLog {
  // Sanitised first, so that no control sequence can cut a secret in two.
  const sanitiser = createLogSanitiser();
  let newMasker = prepareMasking(secrets);
  let masker = newMasker();
  let full = false;
  let atLineStart = true;
  let closed = false;
  let growth: NodeJS.Timeout | null = null;
  const file = createAppender(handle, () => {
    growth ??= setTimeout(() => {
      growth = null;
      onGrowth();
    }, growthEveryMs);
  });

  const append = async (bytes: Uint8Array) => {
    if (bytes.length === 0 || full) return;
    let rest = bytes;
    if (file.sizeBytes + bytes.length > maxLogBytes) {
      full = true;
      const mark = Buffer.from(red('\nThe log ends here: it reached its limit of 512 MiB. The build goes on.\n'));
      rest = Buffer.concat([bytes.subarray(0, maxLogBytes - file.sizeBytes), mark]);
    }
    atLineStart = rest[rest.length - 1] === 0x0a;
    await file.append(rest);
  };
  /** What the masker holds back belongs to the line before ours. */
  const flush = async () => {
    await append(masker.end());
    masker = newMasker();
  };
  const line = async (text: string) => {
    await flush();
    const own = newMasker();
    const clean = own.push(createLogSanitiser().push(Buffer.from(text)));
    await append(Buffer.concat([Buffer.from(atLineStart ? '' : '\n'), clean, own.end(), Buffer.from('\n')]));
    await file.settle();
  };

  return {
    get sizeBytes() {
      return file.sizeBytes;
    },
    write: chunk => append(masker.push(sanitiser.push(chunk))),
    note: text => line(dim(text)),
    problem: text => line(red(text)),
    newMasker: () => newMasker(),
    async mask(more) {
      newMasker = prepareMasking([...secrets, ...more]);
      await flush();
    },
    async read(offset, maxBytes) {
      await flush();
      await file.settle();
      const buffer = Buffer.alloc(Math.max(0, Math.min(maxBytes, file.sizeBytes - offset)));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
      return buffer.subarray(0, bytesRead);
    },
    async close() {
      if (closed) return;
      closed = true;
      try {
        await append(masker.end());
        await file.settle();
        await handle.sync();
      } finally {
        if (growth) clearTimeout(growth);
        await handle.close();
        onGrowth();
      }
    },
  };
}
