/** Owns what one fetch may take: bytes on the disk, and time in which nothing of it arrives. Looks at files alone. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fetchStalled, fetchTooLarge } from './git-errors.ts';
import type { FetchBounds } from './remote-access.ts';

/** Git resolves the deltas of a very large pack for minutes without writing; a server that sends only words never writes. */
export const defaultStallMs = 15 * 60 * 1000;
export const defaultMaxBytes = 50 * 1024 ** 3;
export const defaultBounds: FetchBounds = {
  maxBytes: defaultMaxBytes,
  stallMs: defaultStallMs,
  lookEveryMs: 1_000,
};

const sizeOf = (path: string) =>
  stat(path).then(
    facts => facts.size,
    () => 0,
  );
const namesIn = (path: string) => readdir(path).catch(() => []);

/** Packs, and what is being written: git unpacks small fetches object by object, each in a `tmp_obj_…` first. */
async function measure(folder: string): Promise<{ readonly sizeBytes: number; readonly state: string }> {
  const objects = join(folder, 'objects');
  let sizeBytes = 0;
  for (const name of await namesIn(join(objects, 'pack'))) sizeBytes += await sizeOf(join(objects, 'pack', name));
  let loose = 0;
  for (const part of await namesIn(objects)) {
    if (!/^[0-9a-f]{2}$/.test(part)) continue;
    const names = await namesIn(join(objects, part));
    loose += names.length;
    for (const name of names.filter(one => one.startsWith('tmp_')))
      sizeBytes += await sizeOf(join(objects, part, name));
  }
  return { sizeBytes, state: `${sizeBytes} ${loose}` };
}

/**
 * Runs a fetch into the mirror at `folder`, and ends it when it takes more than it may, or when nothing of it has arrived for too long.
 * Throws `source.too_large`, `git.timeout`, and what the fetch throws.
 */
export async function withinBounds<Result>(
  options: {
    readonly url: string;
    readonly folder: string;
    readonly bounds: FetchBounds;
    readonly signal: AbortSignal | undefined;
  },
  fetch: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { url, folder, bounds, signal } = options;
  const refusing = new AbortController();
  const done = new AbortController();
  let refusal: Error | null = null;

  async function watch(): Promise<void> {
    const before = await measure(folder);
    let { state } = before;
    let movedAt = performance.now();
    for (;;) {
      await delay(bounds.lookEveryMs, undefined, { signal: done.signal, ref: false });
      const now = await measure(folder);
      if (now.state !== state) movedAt = performance.now();
      state = now.state;
      if (now.sizeBytes - before.sizeBytes > bounds.maxBytes) refusal = fetchTooLarge(url, bounds.maxBytes);
      else if (performance.now() - movedAt >= bounds.stallMs) refusal = fetchStalled(url, bounds.stallMs);
      if (refusal !== null) return refusing.abort();
    }
  }

  const watching = watch().catch(() => undefined);
  try {
    return await fetch(signal === undefined ? refusing.signal : AbortSignal.any([signal, refusing.signal]));
  } catch (error) {
    throw refusal ?? error;
  } finally {
    done.abort();
    await watching;
  }
}
