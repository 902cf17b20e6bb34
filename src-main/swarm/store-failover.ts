/** Owns reading one blob from whichever of several stores still gives it, byte after byte. Knows no file and no HTTP. */
import { DomainError, messageOf } from '../contract/errors.ts';
import type { BlobStore } from '../stores/blob-store.ts';

/** A store that gives nothing for this long is left for the next. */
const idleTimeoutMs = 20_000;

export interface FailoverOptions {
  readonly stores: readonly BlobStore[];
  readonly key: string;
  /** First byte. */
  readonly start: number;
  /** Byte after the last. */
  readonly end: number;
  readonly signal?: AbortSignal | undefined;
  readonly onFailure?: (store: BlobStore, error: unknown) => void;
}

/**
 * Yields the bytes from `start` to `end`, going on at the next store where one fails, ends early or falls silent. Gives up
 * after a round in which no store gave a byte, with the last store's error. Never yields more than was asked for.
 * Throws `store.unreachable` and what the stores throw; the signal's reason when it is aborted.
 */
export async function* readWithFailover(options: FailoverOptions): AsyncGenerator<Uint8Array> {
  const { stores, key, end, signal } = options;
  let position = options.start;
  let index = 0;
  let failuresWithoutByte = 0;
  let lastError: unknown = new DomainError('store.unreachable', `No store is configured to read ${key} from. Add one.`);

  while (position < end && failuresWithoutByte < stores.length) {
    signal?.throwIfAborted();
    const store = stores[index % stores.length];
    if (store === undefined) break;
    const before = position;
    try {
      for await (const chunk of readOne(store, key, position, end, signal)) {
        position += chunk.byteLength;
        yield chunk;
      }
      if (position < end) throw shortBlob(store, key, position, end);
    } catch (error) {
      signal?.throwIfAborted();
      lastError = error;
      options.onFailure?.(store, error);
      failuresWithoutByte = position > before ? 1 : failuresWithoutByte + 1;
      index += 1;
    }
  }
  if (position < end) throw lastError;
}

async function* readOne(
  store: BlobStore,
  key: string,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const idle = new AbortController();
  const onIdle = (): void =>
    idle.abort(
      new DomainError('store.unreachable', `${store.url} gave no byte of ${key} for ${idleTimeoutMs / 1_000} s.`),
    );
  const either = signal === undefined ? idle.signal : AbortSignal.any([signal, idle.signal]);
  let timer = setTimeout(onIdle, idleTimeoutMs);
  try {
    const stream = await abortable(store.get(key, { range: { start, end: end - 1 }, signal: either }), either);
    const onAbort = (): void => {
      stream.destroy(either.reason);
    };
    either.addEventListener('abort', onAbort, { once: true });
    try {
      let left = end - start;
      for await (const chunk of stream) {
        clearTimeout(timer);
        const bytes: Uint8Array = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        const wanted = bytes.byteLength > left ? bytes.subarray(0, left) : bytes;
        left -= wanted.byteLength;
        // The clock stands while the reader works on the chunk: a slow reader is not a silent store.
        if (wanted.byteLength > 0) yield wanted;
        if (left === 0) return;
        timer = setTimeout(onIdle, idleTimeoutMs);
      }
    } finally {
      either.removeEventListener('abort', onAbort);
      stream.destroy();
    }
  } finally {
    clearTimeout(timer);
  }
}

/** A store that does not heed its signal must not hold the reader; a stream that it gives later is ended unread. */
async function abortable<Stream extends { destroy(): void }>(
  pending: Promise<Stream>,
  signal: AbortSignal,
): Promise<Stream> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    reject(signal.reason);
    pending.then(
      stream => stream.destroy(),
      () => undefined,
    );
  };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([pending, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function shortBlob(store: BlobStore, key: string, position: number, end: number): DomainError {
  return new DomainError(
    'store.unreachable',
    `${store.url} ended ${key} at byte ${position} of ${end}. Verify the region, or read another store.`,
  );
}

/** The size of a blob in the first store that has it. Throws `store.not_found`, or the last store's error. */
export async function sizeInStores(stores: readonly BlobStore[], key: string): Promise<number> {
  let failure: unknown = null;
  for (const store of stores) {
    try {
      const head = await store.head(key);
      if (head !== null) return head.sizeBytes;
    } catch (error) {
      failure = error;
    }
  }
  if (failure instanceof DomainError) throw failure;
  throw new DomainError(
    'store.not_found',
    `No store has ${key}${failure === null ? '' : ` (${messageOf(failure)})`}.`,
    {
      key,
      stores: stores.map(store => store.url),
    },
  );
}
