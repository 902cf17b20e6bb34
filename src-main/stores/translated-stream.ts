/** Owns a download as a stream whose errors are the store's own, and which does not wait for ever. */
import { PassThrough, type Readable } from 'node:stream';

/** No byte within this time while some are wanted: the server or the way to it is gone. */
const silenceMs = 120_000;

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
  const silence = setTimeout(() => {
    if (source.isPaused()) return;
    source.destroy(Object.assign(new Error('no byte came for two minutes'), { code: 'ETIMEDOUT' }));
  }, silenceMs);
  source.on('data', () => silence.refresh());
  source.on('resume', () => silence.refresh());
  source.once('error', error => {
    const translated = translate(error);
    out.destroy(translated instanceof Error ? translated : error);
  });
  source.once('close', () => {
    clearTimeout(silence);
    if (source.readableEnded || out.destroyed) return;
    const translated = translate(Object.assign(new Error('closed before the end'), { code: 'ECONNRESET' }));
    out.destroy(translated instanceof Error ? translated : new Error('closed before the end'));
  });
  out.once('close', () => source.destroy());
  source.pipe(out);
  return out;
}
