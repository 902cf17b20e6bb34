/** Owns the pipe through which a step's stdout and stderr arrive as one stream, in the order in which they were written. */
import { execFile } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface StepOutput {
  /** What the step's stdout and stderr are both set to: a descriptor, or `pipe` where there is no such thing. */
  readonly target: number | 'pipe';
  /** Null where the child's own two pipes are to be read. */
  readonly stream: Socket | null;
  /** Closes our copy of the writing end, so that the stream ends when the last writer does. Call it after the spawn. */
  closeTarget(): void;
}

/**
 * A kernel pipe with both ends in this process. Node gives a child two separate sockets: two streams lose their order,
 * and `tee /dev/stderr` fails, since Linux cannot open a socket by path. A named pipe, unlinked once both ends are open,
 * is a plain pipe, and a full one makes the step wait, which is the back-pressure.
 */
export async function openStepOutput(): Promise<StepOutput> {
  if (process.platform === 'win32') return { target: 'pipe', stream: null, closeTarget: () => undefined };
  const folder = await mkdtemp(join(tmpdir(), 'slipway-step-'));
  try {
    const path = join(folder, 'output');
    await run('mkfifo', ['-m', '600', path]);
    // Non-blocking, or this would wait for a writer; the writer's end must block, so it is opened separately.
    // Neither call waits, since each end is there for the other.
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(path, constants.O_WRONLY);
    const stream = new Socket({ fd: reader, readable: true, writable: false });
    return { target: writer, stream, closeTarget: () => closeSync(writer) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
