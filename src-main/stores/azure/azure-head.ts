/** Owns what Azure tells of a blob in its answers, in the words of the port. */
import { RestError } from '@azure/storage-blob';
import type { BlobHead } from '../blob-store.ts';
import type { AzurePlace } from './azure-place.ts';

interface Told {
  readonly contentLength?: number | undefined;
  readonly etag?: string | undefined;
  readonly lastModified?: Date | undefined;
  readonly contentMD5?: Uint8Array | undefined;
}

/** An ETag as the port's version: a header has it in quotes, a listing without. */
export function versionOf(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}

/** Preconditions of a write. */
export function conditionsFor(ifVersion: string | null | undefined): { ifMatch?: string; ifNoneMatch?: string } {
  if (ifVersion === undefined) return {};
  return ifVersion === null ? { ifNoneMatch: '*' } : { ifMatch: `"${ifVersion.replaceAll('"', '')}"` };
}

/**
 * Azure keeps one MD5 of the whole: its own where the blob came in one request; where it came in blocks, the one that was given
 * with their list, after it had checked each block's by itself. Source: "Put Block List", `x-ms-blob-content-md5`.
 */
export function headOf(told: Told): BlobHead {
  const md5 = told.contentMD5 === undefined || told.contentMD5.length !== 16 ? null : Buffer.from(told.contentMD5);
  return {
    sizeBytes: told.contentLength ?? 0,
    version: versionOf(told.etag),
    modifiedAtMs: told.lastModified?.getTime() ?? 0,
    ...(md5 === null ? {} : { checksums: { md5: md5.toString('hex') } }),
  };
}

/** The blob's head; null where there is none. */
export async function headOrNull(place: AzurePlace, key: string): Promise<BlobHead | null> {
  return place.run({ permission: 'read', key }, async call => {
    try {
      return headOf(await place.container.getBlobClient(`${place.prefix}${key}`).getProperties(call));
    } catch (error) {
      const isMissing = error instanceof RestError && error.statusCode === 404;
      if (isMissing && error.response?.headers.get('x-ms-error-code') !== 'ContainerNotFound') return null;
      throw error;
    }
  });
}
