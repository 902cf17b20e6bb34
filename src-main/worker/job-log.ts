/** Owns the log file of one attempt: sanitised, masked, append-only, with the offset at which each step begins. */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createMasker } from '../secrets/masking.ts';
import { createLogSanitiser } from './log-sanitiser.ts';

/** A build that prints without end must not fill the disk. */
const maxLogBytes = 512 * 1024 * 1024;
/** The interface needs no more hints of growth than this. */
const growthEveryMs = 100;

const dim = (text: string) => `\u001b[2m${text}\u001b[0m`;
const red = (text: string) => `\u001b[31m${text}\u001b[0m`;

export interface JobLog {
  readonly sizeBytes: number;
  /** Output of a child process, as it comes. */
  write(chunk: Uint8Array): Promise<void>;
  /** A line of Slipway's own. */
  note(line: string): Promise<void>;
  problem(line: string): Promise<void>;
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
  await mkdir(dirname(options.file), { recursive: true });
  const handle = await open(options.file, 'wx+', 0o600);
  return createJobLog(handle, options.secrets, options.onGrowth);
}

function createJobLog(handle: FileHandle, secrets: readonly string[], onGrowth: () => void): JobLog {
  // Sanitised first, so that no control sequence can cut a secret in two.
  const sanitiser = createLogSanitiser();
  let masker = createMasker(secrets);
  let size = 0;
  let full = false;
  let atLineStart = true;
  let closed = false;
  let growth: NodeJS.Timeout | null = null;

  const append = async (bytes: Uint8Array) => {
    if (bytes.length === 0 || full) return;
    let rest = bytes;
    if (size + bytes.length > maxLogBytes) {
      full = true;
      const mark = Buffer.from(red('\nThe log ends here: it reached its limit of 512 MiB. The build goes on.\n'));
      rest = Buffer.concat([bytes.subarray(0, maxLogBytes - size), mark]);
    }
    atLineStart = rest[rest.length - 1] === 0x0a;
    while (rest.length > 0) {
      const { bytesWritten } = await handle.write(rest);
      size += bytesWritten;
      rest = rest.subarray(bytesWritten);
    }
    growth ??= setTimeout(() => {
      growth = null;
      onGrowth();
    }, growthEveryMs);
  };
  /** What the masker holds back belongs to the line before ours. */
  const flush = async () => {
    await append(masker.end());
    masker = createMasker(secrets);
  };
  const line = async (text: string) => {
    await flush();
    const clean = createLogSanitiser().push(Buffer.from(text));
    const own = createMasker(secrets);
    await append(Buffer.concat([Buffer.from(atLineStart ? '' : '\n'), own.push(clean), own.end(), Buffer.from('\n')]));
  };

  return {
    get sizeBytes() {
      return size;
    },
    write: chunk => append(masker.push(sanitiser.push(chunk))),
    note: text => line(dim(text)),
    problem: text => line(red(text)),
    async read(offset, maxBytes) {
      await flush();
      const buffer = Buffer.alloc(Math.max(0, Math.min(maxBytes, size - offset)));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
      return buffer.subarray(0, bytesRead);
    },
    async close() {
      if (closed) return;
      closed = true;
      await flush();
      if (growth) clearTimeout(growth);
      await handle.sync();
      await handle.close();
      onGrowth();
    },
  };
}
