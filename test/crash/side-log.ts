/** Owns the log beside the database: append-only, synced line by line, written by the jobs' own processes. Knows no queue. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';

/** `began` and `ended` are the build child's, `published` is the worker's once its job's end was acknowledged. */
export type SideEntry = {
  readonly what: 'began' | 'ended' | 'published';
  readonly jobId: string;
  readonly attempt: number;
};

/** A shell command that appends one line and syncs it. GNU dd; the line comes through a here-document, which dash does not fork for. */
export function appendCommand(file: string, { what, jobId, attempt }: SideEntry): string {
  return `dd of='${file}' oflag=append conv=notrunc,fsync status=none <<END\n${what} ${jobId} ${attempt}\nEND\n`;
}

/** Appends one line in one write, and syncs it. */
export function appendLine(file: string, line: string): void {
  const handle = openSync(file, 'a');
  try {
    writeSync(handle, `${line}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** The lines in the order in which they were written. */
export function readLines(file: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').filter(Boolean);
}

/** Throws for a line that is none of ours. */
export function readSideLog(file: string): SideEntry[] {
  return readLines(file).map(line => {
    const [what, jobId, attempt] = line.split(' ');
    if ((what !== 'began' && what !== 'ended' && what !== 'published') || !jobId || !Number(attempt)) {
      throw new Error(`the side log has a line that nobody writes: ${line}`);
    }
    return { what, jobId, attempt: Number(attempt) };
  });
}
