/** Owns how Google describes an object, and what of it the port knows. */
import { z } from 'zod';
import type { BlobChecksums, BlobHead } from '../blob-store.ts';

/** What is asked for of an object, so that answers stay small. */
export const objectFields = 'name,size,generation,updated,crc32c,md5Hash,metadata';

/** Source: cloud.google.com/storage/docs/json_api/v1/objects#resource */
export const gcsObjectSchema = z.object({
  name: z.string(),
  size: z.string(),
  generation: z.string(),
  updated: z.string(),
  /** Base64 of four bytes, big-endian. */
  crc32c: z.string().optional(),
  /** Base64; composed objects have none. */
  md5Hash: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});
export type GcsObject = z.infer<typeof gcsObjectSchema>;

const toHex = (base64: string) => Buffer.from(base64, 'base64').toString('hex');
const toBase64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');

export function checksumsOf(object: Pick<GcsObject, 'crc32c' | 'md5Hash'>): BlobChecksums {
  return {
    ...(object.crc32c === undefined ? {} : { crc32c: toHex(object.crc32c) }),
    ...(object.md5Hash === undefined ? {} : { md5: toHex(object.md5Hash) }),
  };
}

/** As they are sent with an object: the server refuses content that has others. */
export function googleChecksums(checksums: BlobChecksums): { readonly crc32c?: string; readonly md5Hash?: string } {
  return {
    ...(checksums.crc32c === undefined ? {} : { crc32c: toBase64(checksums.crc32c) }),
    ...(checksums.md5 === undefined ? {} : { md5Hash: toBase64(checksums.md5) }),
  };
}

export function headOf(object: GcsObject): BlobHead {
  return {
    sizeBytes: Number(object.size),
    version: object.generation,
    modifiedAtMs: Date.parse(object.updated),
    checksums: checksumsOf(object),
  };
}
