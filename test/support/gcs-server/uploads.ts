/** Owns the upload protocols of the loopback server: multipart, media, and resumable sessions. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import {
  type Buckets,
  type ContentDigest,
  createContentDigest,
  type ObjectWish,
  type StoredObject,
} from './bucket-objects.ts';
import { bodyOf, type Fault } from './faults.ts';
import { GoogleError, wrongChecksum } from './google-error.ts';

const quantumBytes = 256 * 1024;

const wishSchema = z.object({
  name: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  crc32c: z.string().optional(),
  md5Hash: z.string().optional(),
});

interface Session {
  readonly bucket: string;
  readonly wish: ObjectWish;
  readonly ifGenerationMatch: string | null;
  readonly chunks: Buffer[];
  readonly digest: ContentDigest;
  /** Whole quanta are kept; what came after the last of them is forgotten with the connection. */
  tail: Buffer;
  result: StoredObject | null;
}

export interface UploadsOptions {
  /** Forgets content once it is counted and hashed; objects have no bytes then. */
  readonly discards: boolean;
  readonly onBytes: (bucket: string, count: number) => void;
}

export type PartAnswer = { readonly object: StoredObject; readonly bucket: string } | { readonly range: string | null };

export function createUploads(buckets: Buckets, { discards, onBytes }: UploadsOptions) {
  const sessions = new Map<string, Session>();

  async function readWhole(request: IncomingMessage, fault: Fault | null): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of bodyOf(request, fault, () => undefined)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  function storeWhole(bucket: string, wish: ObjectWish, bytes: Buffer, match: string | null, fault: Fault | null) {
    onBytes(bucket, bytes.length);
    const digest = createContentDigest(true);
    digest.add(fault?.kind === 'corrupt' ? Buffer.concat([bytes, Buffer.from('x')]).subarray(1) : bytes);
    return buckets.store(bucket, wish, bytes, digest, match);
  }

  function keep(session: Session, bytes: Buffer): void {
    session.digest.add(bytes);
    if (!discards) session.chunks.push(Buffer.from(bytes));
  }

  const sessionOf = (id: string): Session => {
    const session = sessions.get(id);
    if (!session) throw new GoogleError(404, 'notFound', 'Upload session not found or expired.');
    return session;
  };

  const rangeOf = ({ digest }: Session) => (digest.sizeBytes === 0 ? null : `bytes=0-${digest.sizeBytes - 1}`);

  return {
    /** Source: cloud.google.com/storage/docs/uploading-objects, "multipart upload": one JSON part, one of content. */
    async multipart(request: IncomingMessage, bucket: string, match: string | null, fault: Fault | null) {
      const boundary = /boundary="?([^";]+)"?/.exec(request.headers['content-type'] ?? '')?.[1];
      if (boundary === undefined) throw new GoogleError(400, 'invalid', 'Missing boundary of a multipart body.');
      const body = await readWhole(request, fault);
      const jsonStart = body.indexOf('\r\n\r\n') + 4;
      const second = body.indexOf(`\r\n--${boundary}`, jsonStart);
      const contentStart = body.indexOf('\r\n\r\n', second + 4) + 4;
      const end = body.lastIndexOf(`\r\n--${boundary}--`);
      if (second < 0 || end < contentStart) throw new GoogleError(400, 'badRequest', 'Malformed multipart body.');
      const wish = wishSchema.parse(JSON.parse(body.toString('utf8', jsonStart, second)));
      const { name } = wish;
      if (name === undefined) throw new GoogleError(400, 'required', 'Required');
      return storeWhole(bucket, { ...wish, name }, body.subarray(contentStart, end), match, fault);
    },

    async media(request: IncomingMessage, bucket: string, name: string, match: string | null, fault: Fault | null) {
      return storeWhole(bucket, { name }, await readWhole(request, fault), match, fault);
    },

    /** Source: cloud.google.com/storage/docs/performing-resumable-uploads, "Initiate a resumable upload session". */
    async begin(request: IncomingMessage, bucket: string, name: string, match: string | null, hashes: boolean) {
      const body = await readWhole(request, null);
      buckets.objects(bucket);
      const wish = wishSchema.parse(JSON.parse(body.toString('utf8') || '{}'));
      const id = randomUUID();
      const digest = createContentDigest(hashes);
      sessions.set(id, {
        bucket,
        wish: { ...wish, name },
        ifGenerationMatch: match,
        chunks: [],
        digest,
        tail: Buffer.alloc(0),
        result: null,
      });
      return id;
    },

    cancel: (id: string) => sessions.delete(id),
    bucketOf: (id: string) => sessionOf(id).bucket,

    /** One PUT to a session: a status query, or a part. Source: same page, "Upload the data" and "Check the status". */
    async put(request: IncomingMessage, id: string, fault: Fault | null): Promise<PartAnswer> {
      const session = sessionOf(id);
      if (session.result) return { object: session.result, bucket: session.bucket };
      const header = request.headers['content-range'] ?? '';
      if (header.startsWith('bytes */')) {
        request.resume();
        return { range: rangeOf(session) };
      }
      const [, first, last, total] = /^bytes (\d+)-(\d+|\*)\/(\d+|\*)$/.exec(header) ?? [];
      const at = session.digest.sizeBytes;
      if (first === undefined || Number(first) > at) {
        throw new GoogleError(503, 'backendError', `Invalid range ${header}: the session stands at ${at}.`);
      }
      let skip = at - Number(first);
      session.tail = Buffer.alloc(0);
      for await (const chunk of bodyOf(request, fault, count => onBytes(session.bucket, count))) {
        const fresh = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - fresh.length;
        const bytes = session.tail.length === 0 ? fresh : Buffer.concat([session.tail, fresh]);
        const whole = bytes.length - (bytes.length % quantumBytes);
        if (whole > 0) keep(session, bytes.subarray(0, whole));
        session.tail = Buffer.from(bytes.subarray(whole));
      }
      if (!request.complete) throw new Error('the connection ended');
      const received = session.digest.sizeBytes + session.tail.length;
      if (total === '*' || received < Number(total)) {
        if (last !== '*' && (Number(last) + 1) % quantumBytes !== 0) {
          throw new GoogleError(400, 'badRequest', 'A part that is not the last must be a multiple of 262144 bytes.');
        }
        return { range: rangeOf(session) };
      }
      keep(session, session.tail);
      if (fault?.kind === 'corrupt') session.digest.add(Buffer.from('x'));
      const given = /crc32c=([^,]+)/.exec(String(request.headers['x-goog-hash'] ?? ''))?.[1];
      const wish = given === undefined ? session.wish : { ...session.wish, crc32c: given };
      if (given !== undefined && session.wish.crc32c !== undefined && given !== session.wish.crc32c) {
        throw wrongChecksum('CRC32C', session.wish.crc32c, given);
      }
      const { bucket, chunks, digest, ifGenerationMatch } = session;
      try {
        session.result = buckets.store(bucket, wish, Buffer.concat(chunks), digest, ifGenerationMatch);
      } catch (error) {
        sessions.delete(id);
        throw error;
      }
      chunks.length = 0;
      return { object: session.result, bucket };
    },
  };
}
