/** Owns the translation of what S3 and its client say to `store.*` codes, with the setting or permission that is missing. */
import { S3ServiceException } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { DomainError, type ErrorCode, messageOf } from '../../contract/errors.ts';
import { retryAfterMs, translateNetworkError } from '../network-errors.ts';

/** What was tried. */
export interface S3Action {
  /** What the credentials must allow for it. Source: "Required permissions for Amazon S3 API operations". */
  readonly permission: string;
  readonly key?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Where it was tried. */
export interface S3Scene {
  readonly url: string;
  readonly bucket: string;
  /** What a person knows the server by. */
  readonly server: string;
  /** As the URL says; null where it was asked for. */
  readonly region: string | null;
}

const headersSchema = z.object({ headers: z.record(z.string(), z.string()) });
const regionSchema = z.object({ Region: z.string() });
const endpointSchema = z.object({ Endpoint: z.string() });

function headersOf(error: S3ServiceException): Readonly<Record<string, string>> {
  return headersSchema.safeParse(error.$response).data?.headers ?? {};
}

/** The region that an answer names as the bucket's own; null where it names none. */
export function answeredRegion(error: unknown): string | null {
  if (!(error instanceof S3ServiceException)) return null;
  const named = headersOf(error)['x-amz-bucket-region'] ?? regionSchema.safeParse(error).data?.Region;
  const endpoint = endpointSchema.safeParse(error).data?.Endpoint;
  return named ?? /\bs3[.-]([a-z]{2}(?:-[a-z]+)+-\d)\./.exec(endpoint ?? '')?.[1] ?? null;
}

/** The same URL with another region in it. */
function withRegion(url: string, region: string): string {
  const changed = new URL(url);
  changed.searchParams.set('region', region);
  return changed.href;
}

/** What the client calls an error that came without a body. */
const bodiless = 'Unknown';

/** Codes of an access key that is wrong in itself. Source: "Error responses" in the Amazon S3 API Reference. */
const badCredentials: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: 'the access key id is not known there',
  SignatureDoesNotMatch: 'the secret access key does not belong to the access key id',
  InvalidToken: 'the session token is not valid',
  ExpiredToken: 'the session has expired',
  TokenRefreshRequired: 'the session must be renewed',
  NotSignedUp: 'the account is not signed up for S3',
  InvalidClientTokenId: 'the access key id is not known there',
  UnrecognizedClientException: 'the access key id is not known there',
};

const fullCodes = new Set([
  'QuotaExceeded',
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
  'InsufficientStorage',
]);
const slowCodes = new Set([
  'SlowDown',
  'ServiceUnavailable',
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
]);
const wrongBytesCodes = new Set([
  'BadDigest',
  'InvalidDigest',
  'XAmzContentSHA256Mismatch',
  'XAmzContentChecksumMismatch',
  'IncompleteBody',
]);
const conflictCodes = new Set(['PreconditionFailed', 'ConditionalRequestConflict', 'OperationAborted']);

interface Said {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

function sayRefusal(code: string, error: S3ServiceException, scene: S3Scene): Said | null {
  const { bucket, server } = scene;
  const bad = badCredentials[code];
  if (bad !== undefined) {
    return {
      code: 'store.forbidden',
      message: `${server} refuses the credentials of ${scene.url}: ${bad}. Give the store a valid access key (its id and its secret).`,
    };
  }
  if (code === 'RequestTimeTooSkewed' || code === 'RequestExpired') {
    const serverTime = headersOf(error).date;
    return {
      code: 'store.forbidden',
      message: `The clock of this machine is wrong: ${server} refused a request of ${new Date().toISOString()}${serverTime === undefined ? '' : ` at ${new Date(serverTime).toISOString()} of its own`}. Set the clock, or turn on its synchronisation (NTP).`,
      details: { serverTime },
    };
  }
  const region = answeredRegion(error);
  const status = error.$metadata.httpStatusCode ?? 0;
  const isRedirect = status === 301 || status === 307 || status === 308;
  // An answer to HEAD has no body, and so no code: then it is the status that tells of a signature for another region.
  const isOtherRegion = isRedirect || code === 'AuthorizationHeaderMalformed' || code.startsWith('IllegalLocation');
  if (region !== null && (isOtherRegion || (status === 400 && code === bodiless))) {
    return {
      code: 'store.url_invalid',
      message: `The bucket ${bucket} lies in the region ${region}${scene.region === null ? '' : `, not in ${scene.region}`}. Give the store as ${withRegion(scene.url, region)}.`,
      details: { region },
    };
  }
  if (isRedirect || code === 'AuthorizationHeaderMalformed') {
    return {
      code: 'store.url_invalid',
      message: `${server} says that the bucket ${bucket} is to be reached by another region or endpoint (${messageOf(error)}). Set region= and endpoint= in ${scene.url} to the bucket's own.`,
    };
  }
  return null;
}

function say(error: S3ServiceException, action: S3Action, scene: S3Scene): Said | null {
  const status = error.$metadata.httpStatusCode ?? 0;
  const code = error.name;
  const { bucket, server } = scene;
  const what = action.key ?? bucket;
  if (conflictCodes.has(code) || status === 412) {
    return {
      code: 'store.precondition_failed',
      message: `${what} was not written: somebody else has written it, or it is not there. Read it again and decide on what it says now.`,
    };
  }
  const refusal = sayRefusal(code, error, scene);
  if (refusal !== null) return refusal;
  if (code === 'NoSuchBucket') {
    return {
      code: 'store.unreachable',
      message: `There is no bucket ${bucket} on ${server}. Create it, or correct its name in ${scene.url}.`,
    };
  }
  if (code === 'NoSuchKey' || code === 'NotFound') {
    return { code: 'store.not_found', message: `${what} is not in the store ${scene.url}.` };
  }
  if (wrongBytesCodes.has(code)) {
    return {
      code: 'artifact.digest_mismatch',
      message: `${server} received other bytes of ${what} than were sent (${code}). Nothing was stored; it is tried again.`,
    };
  }
  if (code === 'InvalidRange' || status === 416) {
    return { code: 'input.invalid', message: `The bytes asked for lie outside ${what} in ${scene.url}.` };
  }
  if (fullCodes.has(code) || status === 507) {
    return {
      code: 'store.full',
      message: `The bucket ${bucket} on ${server} has no room left (${code}). Raise its quota, or remove old packs; the copy is tried again by itself.`,
    };
  }
  if (status === 403 || code === 'AccessDenied' || code === 'AllAccessDisabled') {
    return {
      code: 'store.forbidden',
      message: `The credentials of ${scene.url} may not do ${action.permission} on ${what}. Allow it for the bucket ${bucket} in the policy of their user or role.${code === bodiless ? ' Where s3:ListBucket is not allowed, S3 says the same of what is missing; wrong keys are told apart by a check of the store.' : ''}`,
      details: { permission: action.permission },
    };
  }
  if (slowCodes.has(code) || status === 429 || status === 503) {
    const waitMs = retryAfterMs(headersOf(error)['retry-after'], Date.now());
    return {
      code: 'store.unreachable',
      message: `${server} asks for fewer requests (${code}). It is tried again by itself${waitMs === null ? '' : `, not before ${Math.ceil(waitMs / 1_000)} s from now`}.`,
      details: waitMs === null ? {} : { retryAfterMs: waitMs },
    };
  }
  if (code === 'NoSuchUpload') {
    return { code: 'store.unreachable', message: `${server} has dropped the upload of ${what}. It begins anew.` };
  }
  if (status >= 500 || code === 'RequestTimeout' || code === 'InternalError') {
    return {
      code: 'store.unreachable',
      message: `${server} has failed at ${what} (${code}, status ${status}). It is tried again by itself.`,
    };
  }
  return {
    code: 'store.unreachable',
    message: `${server} refused ${action.permission} on ${what}: ${code}, ${messageOf(error)}. Check that ${scene.url} names a store that speaks S3.`,
  };
}

/** An error of the client as a `DomainError`; the signal's reason where it was aborted; a `DomainError` or a bug as it is. */
export function translateS3Error(error: unknown, action: S3Action, scene: S3Scene): unknown {
  if (action.signal?.aborted === true) return action.signal.reason;
  if (error instanceof DomainError || !(error instanceof Error)) return error;
  const details = { url: scene.url, bucket: scene.bucket, ...(action.key === undefined ? {} : { key: action.key }) };
  if (error instanceof S3ServiceException && error.$response !== undefined) {
    const said = say(error, action, scene);
    if (said !== null) {
      return new DomainError(
        said.code,
        said.message,
        { ...details, ...said.details, said: error.name },
        { cause: error },
      );
    }
  }
  const network = translateNetworkError(error, scene.server);
  if (network !== null) return network;
  if (error.name === 'CredentialsProviderError' || /could not load credentials/i.test(error.message)) {
    return new DomainError(
      'store.forbidden',
      `No credentials for ${scene.url}. Give the store an access key, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile of the AWS command line, or a role of this machine.`,
      details,
      { cause: error },
    );
  }
  if (error.name === 'TimeoutError') {
    return new DomainError(
      'store.unreachable',
      `${scene.server} does not answer in time. Check the endpoint and the network; it is tried again by itself.`,
      details,
      { cause: error },
    );
  }
  // The client could not read an answer as one of S3: a page of a proxy, or another kind of server.
  if ('$response' in error || '$metadata' in error) {
    return new DomainError(
      'store.unreachable',
      `${scene.server} answers with something that is not S3 (${messageOf(error).slice(0, 200)}). Check the endpoint in ${scene.url}.`,
      details,
      { cause: error },
    );
  }
  return error;
}
