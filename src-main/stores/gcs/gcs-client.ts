/** Owns requests to one bucket: credentials, bounded retries, Retry-After, errors as `DomainError`. Knows no keys or prefixes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Storage, type StorageOptions } from '@google-cloud/storage';
import { z } from 'zod';
import { DomainError } from '../../contract/errors.ts';
import type { StoreAccess } from '../store-access.ts';
import { type GcsAnswer, type GcsSubject, gcsError, passes, translateGcsFailure } from './gcs-errors.ts';

export interface GcsRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the endpoint, such as `/storage/v1/b/bucket/o`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly signal?: AbortSignal | undefined;
  /** Statuses beside 2xx that the caller understands. */
  readonly expected?: readonly number[];
  readonly subject: Omit<GcsSubject, 'bucket'>;
}

export interface NewSession {
  readonly metadata: Readonly<Record<string, string>>;
  readonly checksums: { readonly crc32c?: string; readonly md5Hash?: string };
  readonly sizeBytes: number;
  readonly ifGenerationMatch?: string | undefined;
}

export interface GcsClient {
  readonly bucket: string;
  /** Equal for two clients that reach the same provider as the same account. */
  readonly identity: string;
  /** The answer, its body unread. `tries` is how often it was asked: after a lost answer, what was asked may have been done. */
  send(request: GcsRequest): Promise<{ readonly response: Response; readonly tries: number }>;
  /** An answer that the caller expected, as the error that it is after all. */
  failure(status: number, headers: Headers, body: string, subject: Omit<GcsSubject, 'bucket'>): Error;
  /** The URI of a new resumable upload: whoever has it may write this object for a week. */
  startSession(name: string, session: NewSession): Promise<string>;
  /** Null where the credentials cannot sign. */
  sign(name: string, lifetimeMs: number): Promise<string | null>;
  /** Whether a session's URI is on this client's endpoint: bytes go nowhere else, whatever was kept. */
  ownsUri(uri: string): boolean;
  /** Runs `action` again, a few times and at growing distances, where its failure may pass: a `RetryLater`, or the network. */
  retrying<T>(action: (tries: number) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Waits as long as the server asked, else longer with each try. */
  pause(tries: number, askedMs: number | null, signal?: AbortSignal): Promise<void>;
}

export interface GcsClientOptions {
  /** For the library that gets tokens. */
  readonly clientOptions?: StorageOptions['clientOptions'];
  /** The default is a timer. */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** With the waits between them about ten seconds: longer troubles are the business of whoever asked. */
const maxTries = 5;
const firstWaitMs = 400;
/** A server may ask for patience; not for more than a caller can bear without an answer. */
const maxWaitMs = 30_000;
const maxErrorBodyChars = 10_000;
/** Between two bytes of an answer or a request's first one: a silent peer is gone. */
export const idleMs = 60_000;
/** Source: cloud.google.com/storage/docs/access-control/signed-urls, "the longest expiration value is 604800 seconds". */
const maxSignedMs = 7 * 24 * 60 * 60 * 1000;

const serviceAccountSchema = z.object({
  type: z.literal('service_account'),
  client_email: z.string().min(3),
  private_key: z.string().includes('PRIVATE KEY'),
  private_key_id: z.string().optional(),
  project_id: z.string().optional(),
  universe_domain: z.string().optional(),
});

/** The parts of a service account's JSON that are needed. Throws `store.forbidden`; never with the key in its words. */
export function readServiceAccount(json: string): z.infer<typeof serviceAccountSchema> {
  try {
    return serviceAccountSchema.parse(JSON.parse(json));
  } catch {
    throw new DomainError(
      'store.forbidden',
      'This is not the JSON file of a Google service account: it needs "type": "service_account", "client_email" and "private_key". Download a key under "IAM & Admin, Service accounts, Keys".',
    );
  }
}

/** A failure that may pass, with the time after which the server wants to be asked again. */
export class RetryLater extends Error {
  readonly waitMs: number | null;
  readonly reason: DomainError;
  constructor(reason: DomainError, waitMs: number | null) {
    super(reason.message);
    this.reason = reason;
    this.waitMs = waitMs;
  }
}

/** Source: RFC 9110 section 10.2.3, seconds or a date. Null where there is none. */
function retryAfterMs(headers: Headers): number | null {
  const value = headers.get('retry-after');
  if (value === null) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, Math.min(ms, maxWaitMs)) : null;
}

/** An answer that is no success as what `retrying` understands: a `RetryLater` where it may pass. */
export function failureOf(status: number, headers: Headers, body: string, subject: GcsSubject): Error {
  const date = Date.parse(headers.get('date') ?? '');
  const answer: GcsAnswer = {
    status,
    body: body.slice(0, maxErrorBodyChars),
    skewMs: Number.isFinite(date) ? Date.now() - date : null,
  };
  const error = gcsError(answer, subject);
  return passes(answer) ? new RetryLater(error, retryAfterMs(headers)) : error;
}

/** Credentials never go in clear over a network. */
function refuseOpenEndpoint(endpoint: string): void {
  const { protocol, hostname } = new URL(endpoint);
  if (protocol === 'https:' || ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)) return;
  throw new DomainError(
    'store.url_invalid',
    `The endpoint ${endpoint} is http, and would carry the store's credentials in clear. Give one with https, or remove the credentials.`,
    { endpoint },
  );
}

/**
 * A client of `bucket`. Without `access` the library asks the application-default credentials; with an endpoint and without
 * `access` nobody is asked, as emulators want it. Throws `store.forbidden`, `store.url_invalid`.
 *
 * The library finds credentials, begins resumable uploads and signs URLs. Other requests go over `fetch`, with its tokens: the
 * library's own cannot be aborted, its copy loses the precondition after the first call (file.js, `copy`), and a read that ends
 * early destroys the agent that all others share (file.js, `createReadStream`).
 */
export function createGcsClient(
  bucket: string,
  givenEndpoint: string | null,
  access: StoreAccess | undefined,
  options: GcsClientOptions = {},
): GcsClient {
  if (access !== undefined && access.kind !== 'service-account') {
    throw new DomainError('store.forbidden', 'Google Cloud Storage takes the JSON file of a service account.', {});
  }
  const account = access === undefined ? null : readServiceAccount(access.json);
  const emulator = process.env.STORAGE_EMULATOR_HOST;
  const emulatorUrl = emulator === undefined || emulator === '' ? null : emulator;
  const ownEndpoint = givenEndpoint ?? (emulatorUrl?.includes('://') === false ? `http://${emulatorUrl}` : emulatorUrl);
  const endpoint = (ownEndpoint ?? 'https://storage.googleapis.com').replace(/\/+$/, '');
  const isAnonymous = ownEndpoint !== null && account === null;
  if (account !== null) refuseOpenEndpoint(endpoint);
  const storage = new Storage({
    apiEndpoint: endpoint,
    ...(account === null ? {} : { projectId: account.project_id ?? 'none' }),
    ...(isAnonymous ? { projectId: 'none' } : {}),
    ...(account?.universe_domain === undefined ? {} : { universeDomain: account.universe_domain }),
    useAuthWithCustomEndpoint: !isAnonymous,
    // Retries are this file's: they know Retry-After.
    retryOptions: { autoRetry: false, maxRetries: 0 },
    ...(options.clientOptions === undefined ? {} : { clientOptions: options.clientOptions }),
  });
  // The option `credentials` means the same and warns on stderr of files from strangers; this one was given by a person.
  if (account !== null) storage.authClient.jsonContent = account;
  const wait = options.wait ?? ((ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }));

  const pause = (tries: number, askedMs: number | null, signal?: AbortSignal) =>
    wait(askedMs ?? firstWaitMs * 2 ** (tries - 1) * (0.5 + Math.random()), signal);

  async function retrying<T>(action: (tries: number) => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await action(tries);
      } catch (failure) {
        if (signal?.aborted) throw signal.reason;
        const reason = failure instanceof RetryLater ? failure.reason : translateGcsFailure(failure, bucket);
        const mayPass = failure instanceof RetryLater || isNetworkFailure(reason, failure);
        if (!mayPass || tries >= maxTries) throw reason;
        await pause(tries, failure instanceof RetryLater ? failure.waitMs : null, signal);
      }
    }
  }

  async function authorization(): Promise<Record<string, string>> {
    if (isAnonymous) return {};
    const headers = await storage.authClient.getRequestHeaders(endpoint);
    return Object.fromEntries(headers.entries());
  }

  async function once(request: GcsRequest): Promise<Response> {
    const { method, path, query = {}, headers = {}, body, signal, expected = [] } = request;
    const search = new URLSearchParams(query).toString();
    const response = await fetch(`${endpoint}${path}${search === '' ? '' : `?${search}`}`, {
      method,
      headers: { ...headers, ...(await authorization()) },
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
      redirect: 'error',
    });
    if (response.ok || expected.includes(response.status)) return response;
    throw failureOf(response.status, response.headers, await response.text(), {
      ...request.subject,
      bucket,
      isAnonymous,
    });
  }

  return {
    bucket,
    identity: `${endpoint} ${account === null ? 'default' : `${account.client_email} ${account.private_key_id ?? ''}`}`,
    retrying,
    pause,
    failure: (status, headers, body, subject) => failureOf(status, headers, body, { ...subject, bucket }),
    ownsUri: uri => new URL(uri).origin === new URL(endpoint).origin,
    send: request =>
      retrying(async tries => {
        request.signal?.throwIfAborted();
        return { response: await once(request), tries };
      }, request.signal),
    startSession: (name, { metadata, checksums, sizeBytes, ifGenerationMatch }) =>
      retrying(async () => {
        const file = storage.bucket(bucket).file(name);
        try {
          const [uri] = await file.createResumableUpload({
            metadata: {
              contentType: 'application/octet-stream',
              contentLength: sizeBytes,
              metadata,
              ...checksums,
            },
            ...(ifGenerationMatch === undefined ? {} : { preconditionOpts: { ifGenerationMatch } }),
          });
          return uri;
        } catch (error) {
          throw sessionFailure(error, { bucket, key: name, permission: 'storage.objects.create' });
        }
      }),
    async sign(name, lifetimeMs) {
      if (isAnonymous) return null;
      try {
        const [url] = await storage
          .bucket(bucket)
          .file(name)
          .getSignedUrl({ version: 'v4', action: 'read', expires: Date.now() + Math.min(lifetimeMs, maxSignedMs) });
        return url;
      } catch (error) {
        const translated = translateGcsFailure(error, bucket);
        // A person's own credentials have no key, and a machine's may lack iam.serviceAccounts.signBlob.
        if (account === null) return null;
        throw translated;
      }
    },
  };
}

function isNetworkFailure(translated: unknown, failure: unknown): boolean {
  return translated instanceof DomainError && translated.code === 'store.unreachable' && translated !== failure;
}

/** The library's error where the answer to a new upload was none of success. */
const answeredSchema = z.object({
  response: z.object({
    status: z.number(),
    data: z.unknown(),
    headers: z.instanceof(Headers).optional(),
  }),
});

function sessionFailure(error: unknown, subject: GcsSubject): unknown {
  const parsed = answeredSchema.safeParse(error);
  // An answer of the token server is about credentials, and has no status of the bucket's.
  if (!parsed.success || String(error).includes('invalid_grant')) return error;
  const { status, data, headers } = parsed.data.response;
  return failureOf(
    status,
    headers ?? new Headers(),
    typeof data === 'string' ? data : JSON.stringify(data ?? ''),
    subject,
  );
}
