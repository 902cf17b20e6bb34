/** Owns writing bytes to a stream that may be slower than their source, or gone. */
import type { Writable } from 'node:stream';

/** Resolves when the bytes are taken. Rejects with the stream's error (`EPIPE` where the reader has left). */
export function writeBytes(stream: Writable, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, error => (error ? reject(error) : resolve()));
  });
}
