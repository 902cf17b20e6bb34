/** Owns an upload in parts that goes on where it stopped: reading, order, memory, bandwidth. Knows no provider. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { DomainError } from '../contract/errors.ts';
import type { PutOptions } from './blob-store.ts';
import { reportIntervalMs, throttledReport } from './progress.ts';
import type { Digests } from './running-digests.ts';
import type { FileSource, SourceReader } from './source-reader.ts';

const mebibyte = 1024 * 1024;
/** S3 takes no part below 5 MiB but the last. Larger ones lose more when an upload is cut. */
const smallestPartBytes = 8 * mebibyte;
/** All that is in memory of an upload while parts are of the usual size. */
const inFlightBytes = 16 * mebibyte;

/** Up to this size a source is put in one request. */
export const singlePutBytes = smallestPartBytes;

/** The size of parts for a source, so that it has at most `maxParts`. */
export function partBytesFor(sizeBytes: number, maxParts: number): number {
  return Math.max(smallestPartBytes, Math.ceil(sizeBytes / maxParts / mebibyte) * mebibyte);
}

const markSchema = z.object({
  /** What the provider calls the upload. */
  place: z.string().min(1).max(4_096),
  key: z.string(),
  sizeBytes: z.int().nonnegative(),
  partBytes: z.int().min(smallestPartBytes),
  /** So many bytes from the start are with the provider: whole parts. */
  doneBytes: z.int().nonnegative(),
  /** Of these bytes. Parts that were sent from another content under the same name are never kept. */
  sha256: z.string(),
});
/** Where an upload stands, as kept between two tries. */
export type UploadMark = z.infer<typeof markSchema>;

/** What a try before has kept; null where there was none, or one that is of no use for this key and size. */
export function readMark(state: string | null | undefined, key: string, source: FileSource): UploadMark | null {
  if (state === null || state === undefined) return null;
  let words: unknown;
  try {
    words = JSON.parse(state);
  } catch {
    return null;
  }
  const mark = markSchema.safeParse(words).data;
  if (mark === undefined || mark.key !== key || mark.sizeBytes !== source.sizeBytes) return null;
  const isWholeParts = mark.doneBytes === mark.sizeBytes || mark.doneBytes % mark.partBytes === 0;
  return isWholeParts && mark.doneBytes <= mark.sizeBytes ? mark : null;
}

export function newMark(place: string, key: string, source: FileSource, partBytes: number): UploadMark {
  const sha256 = createHash('sha256').digest('hex');
  return { place, key, sizeBytes: source.sizeBytes, partBytes, doneBytes: 0, sha256 };
}

export interface SourcePart {
  /** From 0. */
  readonly index: number;
  /** Belongs to the upload: of use until `send` has settled. */
  readonly bytes: Buffer;
  /** Of the part: those that the reader was opened for. */
  readonly digests: Digests;
}

/** How many parts of `mark` are with the provider already. */
export function partsDone(mark: UploadMark): number {
  return Math.ceil(mark.doneBytes / mark.partBytes);
}

/** Whether the parts of an upload that ended in `error` are of use for another try; else the provider should drop them. */
export function canGoOn(error: unknown, options: PutOptions): boolean {
  if (options.resume === undefined) return false;
  if (!(error instanceof DomainError)) return true;
  return error.code === 'store.unreachable' || error.code === 'store.full' || error.code === 'store.forbidden';
}

/** Keeps the mark as parts end, whatever their order: it only ever says what is there without a gap. */
class MarkKeeper {
  #mark: UploadMark;
  readonly #save: ((state: string) => Promise<void>) | undefined;
  readonly #ended = new Map<number, Pick<UploadMark, 'doneBytes' | 'sha256'>>();
  #next: number;
  #savedAtMs = performance.now();
  #saved: UploadMark;

  constructor(mark: UploadMark, save: ((state: string) => Promise<void>) | undefined) {
    this.#mark = mark;
    this.#saved = mark;
    this.#save = save;
    this.#next = partsDone(mark);
  }

  async partEnded(index: number, end: Pick<UploadMark, 'doneBytes' | 'sha256'>): Promise<void> {
    this.#ended.set(index, end);
    for (let next = this.#ended.get(this.#next); next !== undefined; next = this.#ended.get(this.#next)) {
      this.#ended.delete(this.#next);
      this.#next += 1;
      this.#mark = { ...this.#mark, ...next };
    }
    if (performance.now() - this.#savedAtMs >= reportIntervalMs) await this.save();
  }

  async save(): Promise<void> {
    if (this.#save === undefined || this.#saved === this.#mark) return;
    this.#savedAtMs = performance.now();
    this.#saved = this.#mark;
    await this.#save(JSON.stringify(this.#mark));
  }
}

/**
 * Sends what `mark` leaves to send of a source that `reader` has read up to there, at most two parts at a time, and checks the
 * whole against what was promised. Nothing is committed here. Memory: 16 MiB, or one part where these are larger than that.
 *
 * Throws `artifact.digest_mismatch`, what `send`, `save` and `throttle` throw, and the signal's reason.
 */
export async function sendParts(
  reader: SourceReader,
  mark: UploadMark,
  options: PutOptions,
  send: (part: SourcePart, signal: AbortSignal) => Promise<void>,
): Promise<{ readonly md5: string | null }> {
  const keeper = new MarkKeeper(mark, options.resume?.save);
  const report = throttledReport(options.onProgress);
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const freeBuffers: Buffer[] = [];
  const sending = new Set<Promise<void>>();
  const parallel = Math.max(1, Math.floor(inFlightBytes / mark.partBytes));
  let doneBytes = mark.doneBytes;
  const failures: unknown[] = [];
  if (doneBytes > 0) report(doneBytes);

  const fail = (error: unknown) => {
    failures.push(options.signal?.aborted === true ? options.signal.reason : error);
    stop.abort();
  };

  const sendOne = async (part: SourcePart, end: Pick<UploadMark, 'doneBytes' | 'sha256'>, buffer: Buffer) => {
    try {
      await send(part, signal);
      doneBytes += part.bytes.length;
      report(doneBytes);
      freeBuffers.push(buffer);
      await keeper.partEnded(part.index, end);
    } catch (error) {
      fail(error);
    }
  };

  const sendAll = async () => {
    for (let index = partsDone(mark); index * mark.partBytes < mark.sizeBytes; index += 1) {
      while (sending.size >= parallel) await Promise.race(sending);
      if (failures.length > 0) return;
      const buffer = freeBuffers.pop() ?? Buffer.allocUnsafeSlow(mark.partBytes);
      const bytes = buffer.subarray(0, Math.min(mark.partBytes, mark.sizeBytes - index * mark.partBytes));
      await reader.fill(bytes, signal);
      const { whole, part } = reader.mark();
      await options.throttle?.(bytes.length);
      signal.throwIfAborted();
      const end = { doneBytes: reader.sizeBytes, sha256: whole.sha256 ?? '' };
      const task = sendOne({ index, bytes, digests: part }, end, buffer).finally(() => sending.delete(task));
      sending.add(task);
    }
  };

  await sendAll().catch(fail);
  await Promise.all(sending);
  if (failures.length > 0) {
    await keeper.save();
    throw failures[0];
  }
  return reader.finish();
}
