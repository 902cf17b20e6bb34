/** Owns the objects of a server's buckets: generations, checksums, preconditions. Knows no HTTP. */
import { createHash } from 'node:crypto';
import { crc32c } from '../../../src-main/stores/crc32c.ts';
import { conditionNotMet, noBucket, noObject, wrongChecksum } from './google-error.ts';

/** Running checksums of content that comes in parts. */
export interface ContentDigest {
  add(bytes: Uint8Array): void;
  readonly sizeBytes: number;
  /** Base64, as the API has them; absent where nothing was computed. */
  finish(): { readonly crc32c?: string; readonly md5Hash?: string };
}

export function createContentDigest(computes: boolean): ContentDigest {
  const md5 = createHash('md5');
  let crc = 0;
  let sizeBytes = 0;
  return {
    add(bytes) {
      sizeBytes += bytes.length;
      if (!computes) return;
      md5.update(bytes);
      crc = crc32c(bytes, crc);
    },
    get sizeBytes() {
      return sizeBytes;
    },
    finish() {
      if (!computes) return {};
      const crcBytes = Buffer.alloc(4);
      crcBytes.writeUInt32BE(crc);
      return { crc32c: crcBytes.toString('base64'), md5Hash: md5.digest('base64') };
    },
  };
}

export interface StoredObject {
  readonly name: string;
  readonly bytes: Buffer;
  readonly sizeBytes: number;
  readonly generation: number;
  readonly updated: string;
  readonly crc32c?: string;
  readonly md5Hash?: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a client says of an object when it sends it. */
export interface ObjectWish {
  readonly name: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly crc32c?: string;
  readonly md5Hash?: string;
}

export interface Buckets {
  make(name: string): void;
  /** Throws 404 with the words of a missing bucket. */
  objects(bucket: string): Map<string, StoredObject>;
  find(bucket: string, name: string): StoredObject;
  /** Throws 412. Source: cloud.google.com/storage/docs/request-preconditions */
  hold(bucket: string, name: string, ifGenerationMatch: string | null): void;
  store(
    bucket: string,
    wish: ObjectWish,
    bytes: Buffer,
    digest: ContentDigest,
    ifGenerationMatch: string | null,
  ): StoredObject;
}

export function createBuckets(): Buckets {
  const all = new Map<string, Map<string, StoredObject>>();
  let lastGeneration = Date.now() * 1000;
  const objects = (bucket: string) => {
    const found = all.get(bucket);
    if (!found) throw noBucket();
    return found;
  };
  const hold = (bucket: string, name: string, ifGenerationMatch: string | null) => {
    if (ifGenerationMatch === null) return;
    const current = objects(bucket).get(name)?.generation ?? 0;
    if (String(current) !== ifGenerationMatch) throw conditionNotMet();
  };
  return {
    make: name => void all.set(name, new Map()),
    objects,
    find(bucket, name) {
      const found = objects(bucket).get(name);
      if (!found) throw noObject(`${bucket}/${name}`);
      return found;
    },
    hold,
    store(bucket, wish, bytes, digest, ifGenerationMatch) {
      const found = digest.finish();
      if (wish.crc32c !== undefined && found.crc32c !== undefined && wish.crc32c !== found.crc32c) {
        throw wrongChecksum('CRC32C', wish.crc32c, found.crc32c);
      }
      if (wish.md5Hash !== undefined && found.md5Hash !== undefined && wish.md5Hash !== found.md5Hash) {
        throw wrongChecksum('MD5 hash', wish.md5Hash, found.md5Hash);
      }
      hold(bucket, wish.name, ifGenerationMatch);
      lastGeneration += 1;
      const object: StoredObject = {
        name: wish.name,
        bytes,
        sizeBytes: digest.sizeBytes,
        generation: lastGeneration,
        updated: new Date().toISOString(),
        ...found,
        metadata: wish.metadata ?? {},
      };
      objects(bucket).set(wish.name, object);
      return object;
    },
  };
}

/** Source: cloud.google.com/storage/docs/json_api/v1/objects#resource */
export function resourceOf(bucket: string, object: StoredObject): Record<string, unknown> {
  return {
    kind: 'storage#object',
    bucket,
    name: object.name,
    size: String(object.sizeBytes),
    generation: String(object.generation),
    metageneration: '1',
    updated: object.updated,
    timeCreated: object.updated,
    ...(object.crc32c === undefined ? {} : { crc32c: object.crc32c }),
    ...(object.md5Hash === undefined ? {} : { md5Hash: object.md5Hash }),
    metadata: object.metadata,
  };
}
