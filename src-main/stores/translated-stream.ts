/** Owns a download as a stream whose errors are the store's own. */
import { PassThrough, type Readable } from 'node:stream';

/**
 * `source` with its errors passed through `translate`. Destroying what is returned ends the download; where `signal` is aborted,
 * the stream ends with an `AbortError`. A source that closes before its end is an error, whatever it says itself.
 */
export function translatedStream(
  source: Readable,
  signal: AbortSignal | undefined,
  translate: (error: unknown) => unknown,
): Readable {
  const out = new PassThrough(signal === undefined ? {} : { signal });
  const fail = (error: unknown) => {
    const translated = translate(error);
    out.destroy(translated instanceof Error ? translated : new Error(String(translated)));
  };
  source.once('error', fail);
  source.once('close', () => {
    if (!source.readableEnded && !out.destroyed) {
      fail(Object.assign(new Error('the connection was closed before the end'), { code: 'ECONNRESET' }));
    }
  });
  out.once('close', () => source.destroy());
  source.pipe(out);
  return out;
}
