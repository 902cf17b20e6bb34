/** Owns reading a range of an open file as a stream with bounded memory. */
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ByteRange } from './blob-store.ts';

const readChunkBytes = 256 * 1024;

/** A stream of an inclusive byte range of `handle`, which it closes; errors pass through `translate`. */
export function readRange(
  handle: FileHandle,
  { start, end }: ByteRange,
  signal: AbortSignal | undefined,
  translate: (error: unknown) => unknown,
): Readable {
  let position = start;
  const asError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)));
  return new Readable({
    ...(signal === undefined ? {} : { signal }),
    highWaterMark: readChunkBytes,
    read() {
      const wanted = Math.min(readChunkBytes, end + 1 - position);
      if (wanted <= 0) {
        this.push(null);
        return;
      }
      handle.read(Buffer.allocUnsafe(wanted), 0, wanted, position).then(
        ({ bytesRead, buffer }) => {
          position += bytesRead;
          this.push(bytesRead === 0 ? null : buffer.subarray(0, bytesRead));
        },
        (error: unknown) => this.destroy(asError(translate(error))),
      );
    },
    destroy(error, callback) {
      handle.close().then(
        () => callback(error),
        (closeError: unknown) => callback(error ?? asError(translate(closeError))),
      );
    },
  });
}
