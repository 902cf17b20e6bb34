/** Owns one resumable upload: its session, what the server has of it, and going on there, also in a later process. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { z } from 'zod';
import { DomainError } from '../../contract/errors.ts';
import type { PutOptions } from '../blob-store.ts';
import { failureOf, type GcsClient, idleMs, RetryLater } from './gcs-client.ts';
import { translateGcsFailure } from './gcs-errors.ts';
import { type GcsObject, gcsObjectSchema, googleChecksums } from './gcs-object.ts';
import type { UploadSource } from './upload-source.ts';

/**
 * What a server keeps of an unfinished upload is a multiple of this.
 * Source: cloud.google.com/storage/docs/performing-resumable-uploads, "multiples of 256 KB".
 */
const quantumBytes = 256 * 1024;
/** In a row, without a byte more at the server: then it is the business of whoever asked. */
const maxFruitless = 4;
const progressIntervalMs = 250;

export interface ResumableRequest {
  readonly client: GcsClient;
  /** The object's full name. */
  readonly name: string;
  readonly source: UploadSource;
  readonly options: PutOptions;
  readonly metadata: Readonly<Record<string, string>>;
  readonly ifGenerationMatch?: string | undefined;
}

/** What is kept for going on: only an upload of the same thing to the same place is gone on with. */
const stateSchema = z.object({
  uri: z.url(),
  bucket: z.string(),
  name: z.string(),
  sizeBytes: z.number(),
  sha256: z.string().nullable(),
  ifGenerationMatch: z.string().nullable(),
});
type State = z.infer<typeof stateSchema>;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Where the server stands: finished, gone, or at a byte. */
type Status = { readonly object: GcsObject } | { readonly offset: number } | 'gone';

function readState(
  words: string | null,
  request: ResumableRequest,
  endpointOf: (uri: string) => boolean,
): State | null {
  if (words === null) return null;
  try {
    const state = stateSchema.parse(JSON.parse(words));
    const { client, name, source, options } = request;
    const isSame =
      state.bucket === client.bucket &&
      state.name === name &&
      state.sizeBytes === source.sizeBytes &&
      (state.sha256 === null || options.sha256 === undefined || state.sha256 === options.sha256) &&
      state.ifGenerationMatch === (request.ifGenerationMatch ?? null);
    return isSame && endpointOf(state.uri) ? state : null;
  } catch {
    return null;
  }
}

/** One PUT to a session. Two chunks are under way at most: one at the kernel, one being read. An early answer ends it. */
function put(
  uri: string,
  headers: Readonly<Record<string, string>>,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const start = uri.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = start(uri, { method: 'PUT', headers, ...(signal === undefined ? {} : { signal }) });
    let answered = false;
    outgoing.setTimeout(idleMs, () =>
      outgoing.destroy(Object.assign(new Error('no byte for a minute'), { code: 'ETIMEDOUT' })),
    );
    outgoing.on('error', error => reject(signal?.aborted ? signal.reason : error));
    outgoing.on('response', incoming => {
      answered = true;
      let body = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (part: string) => {
        if (body.length < 100_000) body += part;
      });
      incoming.on('error', reject);
      incoming.on('end', () => {
        // An answer before the end of the body leaves a connection that nobody can use again.
        if (!outgoing.writableFinished) outgoing.destroy();
        resolve({ status: incoming.statusCode ?? 0, headers: headersOf(incoming.headers), body });
      });
    });
    const write = (chunk: Uint8Array) =>
      new Promise<void>((done, failed) => outgoing.write(chunk, error => (error ? failed(error) : done())));
    const pump = async () => {
      let before: Promise<void> = Promise.resolve();
      for await (const chunk of chunks) {
        await before;
        if (answered) return;
        before = write(chunk);
        before.catch(() => undefined);
      }
      await before;
      outgoing.end();
    };
    pump().catch((error: Error) => {
      if (!answered) reject(error);
      outgoing.destroy(error);
    });
  });
}

function headersOf(incoming: IncomingHttpHeaders): Headers {
  const pairs = Object.entries(incoming).map(([name, value]): [string, string] => [name, String(value ?? '')]);
  return new Headers(pairs);
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function endless(bucket: string, name: string): DomainError {
  return new DomainError(
    'store.unreachable',
    `Google Cloud Storage ended the upload of ${name} to bucket ${bucket} again and again. It is tried again by itself.`,
    { bucket, name },
  );
}

/** Uploads what `source` gives, or what is missing of it. Throws `store.*`, `artifact.digest_mismatch`, the signal's reason. */
export async function uploadResumable(request: ResumableRequest): Promise<GcsObject> {
  const { client, name, source, options } = request;
  const { signal, resume, throttle } = options;
  const subject = { bucket: client.bucket, key: name, permission: 'storage.objects.create' };
  const { sizeBytes } = source;
  const finalStart = Math.floor((sizeBytes - 1) / quantumBytes) * quantumBytes;
  let lastReportMs = 0;

  function report(bytesDone: number, always = false): void {
    const nowMs = performance.now();
    if (!always && nowMs - lastReportMs < progressIntervalMs) return;
    lastReportMs = nowMs;
    options.onProgress?.(bytesDone);
  }

  async function begin(): Promise<string> {
    signal?.throwIfAborted();
    const uri = await client.startSession(name, {
      metadata: request.metadata,
      checksums: googleChecksums(options.checksums ?? {}),
      sizeBytes,
      ifGenerationMatch: request.ifGenerationMatch,
    });
    const state: State = {
      uri,
      bucket: client.bucket,
      name,
      sizeBytes,
      sha256: options.sha256 ?? null,
      ifGenerationMatch: request.ifGenerationMatch ?? null,
    };
    await resume?.save(JSON.stringify(state));
    return uri;
  }

  /** Source: cloud.google.com/storage/docs/performing-resumable-uploads, "Check the status of a resumable upload". */
  function read(answer: Answer): Status {
    const { status, headers, body } = answer;
    if (status === 200 || status === 201) return { object: gcsObjectSchema.parse(JSON.parse(body)) };
    if (status === 308) {
      const range = /^bytes=0-(\d+)$/.exec(headers.get('range') ?? '');
      return { offset: range === null ? 0 : Number(range[1]) + 1 };
    }
    // 499 is a session that was cancelled. Same source, "Handling errors".
    if (status === 404 || status === 410 || status === 499) return 'gone';
    throw failureOf(status, headers, body, subject);
  }

  const ask = (uri: string) =>
    client.retrying(async () => {
      const headers = { 'content-length': '0', 'content-range': `bytes */${sizeBytes}` };
      return read(await put(uri, headers, nothing(), signal));
    }, signal);

  async function* paced(start: number, end: number): AsyncGenerator<Uint8Array> {
    let sent = start;
    for await (const chunk of source.chunks(start, end)) {
      await throttle?.(chunk.length);
      signal?.throwIfAborted();
      yield chunk;
      sent += chunk.length;
      report(sent);
    }
  }

  /** Sends what lies between `start` and `end`; the last part carries the checksum of the whole, so that other bytes are refused. */
  async function part(uri: string, start: number, end: number): Promise<Status> {
    const crc = end === sizeBytes ? await source.finish() : undefined;
    const hash: Record<string, string> =
      crc === undefined ? {} : { 'x-goog-hash': `crc32c=${Buffer.from(crc, 'hex').toString('base64')}` };
    const headers = {
      'content-length': String(end - start),
      'content-range': `bytes ${start}-${end - 1}/${sizeBytes}`,
      ...hash,
    };
    return read(await put(uri, headers, paced(start, end), signal));
  }

  const kept = readState(resume?.state ?? null, request, client.ownsUri);
  let uri = kept?.uri ?? (await begin());
  let status: Status = kept === null ? { offset: 0 } : await ask(uri);
  let fruitless = 0;
  let renewals = 0;
  try {
    for (;;) {
      if (status === 'gone') {
        // Sessions end after a week, or with a failure at the server: once more from the start, and not for ever.
        renewals += 1;
        if (renewals > 2) throw endless(client.bucket, name);
        uri = await begin();
        status = { offset: 0 };
      }
      if ('object' in status) {
        report(sizeBytes, true);
        return status.object;
      }
      const { offset }: { readonly offset: number } = status;
      if (offset > 0) report(offset);
      try {
        status = offset < finalStart ? await part(uri, offset, finalStart) : await part(uri, offset, sizeBytes);
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        const isPassing = error instanceof RetryLater;
        const reason = isPassing ? error.reason : translateGcsFailure(error, client.bucket);
        if (!isPassing && reason === error) throw error;
        fruitless += 1;
        if (fruitless > maxFruitless) throw reason;
        await client.pause(fruitless, isPassing ? error.waitMs : null, signal);
        status = await ask(uri);
        if (status === 'gone' || 'object' in status || status.offset > offset) fruitless = 0;
      }
    }
  } catch (error) {
    // What will never be gone on with is given back: an open session is kept for a week.
    if (resume === undefined || (error instanceof DomainError && error.code === 'artifact.digest_mismatch')) {
      // Nobody waits for it: a network that is gone would hold up the answer.
      void fetch(uri, { method: 'DELETE', signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
    }
    throw error;
  }
}
