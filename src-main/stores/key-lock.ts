/** Owns the lock file that makes compare-and-replace of one key atomic between processes. Knows nothing of blobs. */
import { randomUUID } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { systemErrorCode } from '../contract/errors.ts';

export interface KeyLock {
  /** False once another process has taken the lock over, because this one was stopped for too long. */
  stillHeld(): Promise<boolean>;
  release(): Promise<void>;
}

const pollIntervalMs = 5;

async function createExclusively(path: string, content: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx', 0o600);
    try {
      await handle.writeFile(content);
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    // Windows answers EPERM while a deleted file still has an open handle somewhere.
    if (systemErrorCode(error) === 'EEXIST' || systemErrorCode(error) === 'EBUSY') return false;
    throw error;
  }
}

async function holderOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Takes the lock at `path`, waiting while another holds it. A holder that has not changed for `staleMs` on this process's
 * own clock is taken for dead: the clocks of two machines on one mount are never compared.
 */
export async function acquireKeyLock(path: string, staleMs: number, signal?: AbortSignal): Promise<KeyLock> {
  const token = randomUUID();
  let seenHolder: string | null = null;
  let seenSince = performance.now();
  while (!(await createExclusively(path, token))) {
    signal?.throwIfAborted();
    const holder = await holderOf(path);
    if (holder !== seenHolder) {
      seenHolder = holder;
      seenSince = performance.now();
    } else if (holder !== null && performance.now() - seenSince >= staleMs) {
      // One file per dead holder decides who may remove its lock, so that nobody removes the lock of a living successor.
      const claim = `${path}.${/^[0-9a-f-]{36}$/.test(holder) ? holder : 'unnamed'}.taken`;
      if ((await createExclusively(claim, token)) && (await holderOf(path)) === holder) await rm(path, { force: true });
      seenHolder = null;
    }
    await delay(pollIntervalMs, undefined, signal === undefined ? {} : { signal });
  }
  const stillHeld = async () => (await holderOf(path)) === token;
  return {
    stillHeld,
    async release() {
      if (await stillHeld()) await rm(path, { force: true });
    },
  };
}
