/** Owns the body of a download: whole and right, or an error; a connection that ends early never looks like the end of a blob. */
import { Readable } from 'node:stream';
import { DomainError } from '../../contract/errors.ts';
import { crc32c, crc32cHex } from '../crc32c.ts';
import { translateGcsFailure } from './gcs-errors.ts';

export interface ReadSubject {
  readonly key: string;
  readonly bucket: string;
  /** Not a range: the answer carries the checksum of all of it. */
  readonly isWhole: boolean;
  readonly signal: AbortSignal | undefined;
}

/** `crc32c=BASE64,md5=BASE64`. Source: cloud.google.com/storage/docs/xml-api/reference-headers#xgooghash */
function promisedCrc(response: Response): string | null {
  const found = /(?:^|,)\s*crc32c=([A-Za-z0-9+/=]+)/.exec(response.headers.get('x-goog-hash') ?? '');
  // What is unpacked on the way has another checksum than what is stored.
  const isAsStored = (response.headers.get('x-goog-stored-content-encoding') ?? 'identity') === 'identity';
  return found?.[1] === undefined || !isAsStored ? null : Buffer.from(found[1], 'base64').toString('hex');
}

/** The body of a 200 or 206. Errors of the stream: `store.unreachable`, `artifact.digest_mismatch`, the signal's reason. */
export function readAnswer(response: Response, { key, bucket, isWhole, signal }: ReadSubject): Readable {
  const length = response.headers.get('content-length');
  const wantedBytes = length === null ? null : Number(length);
  const wantedCrc = isWhole ? promisedCrc(response) : null;

  async function* body(): AsyncGenerator<Buffer> {
    let readBytes = 0;
    let crc = 0;
    try {
      for await (const chunk of response.body ?? []) {
        readBytes += chunk.length;
        if (wantedCrc !== null) crc = crc32c(chunk, crc);
        yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw translateGcsFailure(error, bucket);
    }
    if (wantedBytes !== null && readBytes !== wantedBytes) {
      throw new DomainError(
        'store.unreachable',
        `The connection to bucket ${bucket} ended after ${readBytes} of ${wantedBytes} bytes of ${key}. It is read anew.`,
        { key, bucket, readBytes, wantedBytes },
      );
    }
    if (wantedCrc !== null && crc32cHex(crc) !== wantedCrc) {
      throw new DomainError(
        'artifact.digest_mismatch',
        `What arrived of ${key} from bucket ${bucket} has CRC32C ${crc32cHex(crc)} where ${wantedCrc} was promised. Nothing of it is used; it is read anew.`,
        { key, bucket },
      );
    }
  }

  return Readable.from(body(), { objectMode: false, ...(signal === undefined ? {} : { signal }) });
}
