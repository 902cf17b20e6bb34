/** Owns what an answer of Google Cloud Storage means to a person: the `store.*` code, the missing permission or setting, the remedy. */
import { z } from 'zod';
import { DomainError, type ErrorCode, messageOf, systemErrorCode } from '../../contract/errors.ts';

/** Source: cloud.google.com/storage/docs/json_api/v1/status-codes, "Error response format". */
const errorBodySchema = z.object({
  error: z.object({
    message: z.string().default(''),
    errors: z.array(z.object({ reason: z.string().default('') })).default([]),
  }),
});

/** What an error is about, for its words. */
export interface GcsSubject {
  readonly bucket: string;
  /** Absent where the bucket itself is asked. */
  readonly key?: string;
  /** Nobody's credentials were sent, as to an emulator. */
  readonly isAnonymous?: boolean;
  /** Needed for what was asked. Source: cloud.google.com/storage/docs/access-control/iam-json */
  readonly permission: string;
}

/** An answer that is no success. */
export interface GcsAnswer {
  readonly status: number;
  readonly body: string;
  /** By its own `Date` header: how far this machine's clock is ahead; null where it gave none. */
  readonly skewMs: number | null;
}

/** Reasons of 403 that pass by themselves. Source: cloud.google.com/storage/docs/json_api/v1/status-codes, 403 and 429. */
const rateReasons: ReadonlySet<string> = new Set([
  'rateLimitExceeded',
  'userRateLimitExceeded',
  'concurrentLimitExceeded',
  'backendError',
]);
/** Google refuses tokens and signatures that are older than this. Source: same page, "RequestTimeTooSkewed". */
const bearableSkewMs = 5 * 60_000;
const permissionPattern = /\b(storage\.[a-z]+\.[A-Za-z]+|iam\.[a-zA-Z]+\.[A-Za-z]+)\b/;
/** Of sockets, names, TLS and Node's HTTP clients; not those of the file that is uploaded, nor of a mistake in a call. */
const networkCode =
  /^(ECONN|EHOST|ENET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|EADDR|EPROTO|UND_ERR_|HPE_|CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/;
const role = 'roles/storage.objectAdmin';

function parse(body: string): { readonly message: string; readonly reasons: readonly string[] } {
  try {
    const { error } = errorBodySchema.parse(JSON.parse(body));
    return { message: error.message, reasons: error.errors.map(({ reason }) => reason) };
  } catch {
    return { message: body.slice(0, 300), reasons: [] };
  }
}

/** Whether asking again may help by itself. Source: cloud.google.com/storage/docs/retry-strategy, "Response". */
export function passes({ status, body }: GcsAnswer): boolean {
  if (status === 408 || status === 429 || status >= 500) return true;
  return status === 403 && parse(body).reasons.some(reason => rateReasons.has(reason));
}

function clockWords(skewMs: number): string {
  const minutes = Math.round(Math.abs(skewMs) / 60_000);
  return `this machine's clock is ${minutes} minutes ${skewMs > 0 ? 'ahead of' : 'behind'} Google's, which refuses what is signed with it. Set the clock (NTP)`;
}

function forbidden(subject: GcsSubject, message: string, reasons: readonly string[]): readonly [ErrorCode, string] {
  const { bucket } = subject;
  const google = `Google says: ${message}`;
  if (reasons.includes('quotaExceeded') || reasons.includes('dailyLimitExceeded')) {
    return [
      'store.full',
      `The project of bucket ${bucket} has used up its quota. Raise it under "IAM & Admin, Quotas"; the copy is tried again by itself. ${google}`,
    ];
  }
  if (/billing/i.test(message) || reasons.includes('accountDisabled') || reasons.includes('billingNotEnabled')) {
    return [
      'store.forbidden',
      `Billing of the project of bucket ${bucket} is disabled. Link an active billing account to the project. ${google}`,
    ];
  }
  if (reasons.includes('accessNotConfigured') || /has not been used in project|it is disabled/.test(message)) {
    return [
      'store.forbidden',
      `The Cloud Storage API is off in the project of the credentials. Enable storage.googleapis.com there. ${google}`,
    ];
  }
  if (reasons.includes('insufficientPermissions') || /insufficient authentication scopes/i.test(message)) {
    return [
      'store.forbidden',
      `The credentials were given without the scope devstorage.full_control (on a cloud machine: its access scopes). Give the store a service account's JSON file, or the machine the scope. ${google}`,
    ];
  }
  if (reasons.includes('retentionPolicyNotMet') || /retention policy|hold/i.test(message)) {
    return [
      'store.forbidden',
      `The retention policy or a hold of bucket ${bucket} keeps ${subject.key ?? 'its objects'} from being changed. Use a bucket without one. ${google}`,
    ];
  }
  if (reasons.includes('vpcServiceControls') || /organization.?s policy|VPC Service Controls/i.test(message)) {
    return [
      'store.forbidden',
      `A policy of the organization (VPC Service Controls) keeps bucket ${bucket} from this network. Its administrator can admit it. ${google}`,
    ];
  }
  const permission = permissionPattern.exec(message)?.[1] ?? subject.permission;
  return [
    'store.forbidden',
    `The credentials lack the permission ${permission} on bucket ${bucket}. Grant their account the role ${role} on the bucket. ${google}`,
  ];
}

/** An answer as what it means. Never of 404 for an object that may be missing: the caller knows that it may. */
export function gcsError(answer: GcsAnswer, subject: GcsSubject): DomainError {
  const { message, reasons } = parse(answer.body);
  const { bucket, key } = subject;
  const details = { bucket, ...(key === undefined ? {} : { key }), status: answer.status, reasons };
  const make = (code: ErrorCode, words: string) => new DomainError(code, words, details);
  const isSkewed = answer.skewMs !== null && Math.abs(answer.skewMs) > bearableSkewMs;
  const skew = isSkewed && answer.skewMs !== null ? clockWords(answer.skewMs) : null;
  if (passes(answer)) {
    return make(
      'store.unreachable',
      answer.status === 429 || answer.status === 403
        ? `Google Cloud Storage limits how fast bucket ${bucket} may be used (${answer.status} ${reasons[0] ?? ''}). It is tried again by itself, more slowly.`
        : `Google Cloud Storage cannot serve bucket ${bucket} now (${answer.status}). It is tried again by itself; status.cloud.google.com tells of outages.`,
    );
  }
  switch (answer.status) {
    case 400:
      if (/CRC32C|MD5|checksum|hash/i.test(message)) {
        return make(
          'artifact.digest_mismatch',
          `What arrived as ${key} has another checksum than was sent with it. Nothing was stored; it is sent anew. Google says: ${message}`,
        );
      }
      if (/requester pays|userProject/i.test(message)) {
        return make('store.forbidden', `Bucket ${bucket} is "requester pays". Turn that off. Google says: ${message}`);
      }
      break;
    case 401:
      if (subject.isAnonymous === true) {
        return make(
          'store.forbidden',
          `Bucket ${bucket} wants credentials, and none are set: at an endpoint of its own a store is asked without. Set a service account's JSON with "slipway store access set URL --service-account FILE".`,
        );
      }
      return make(
        'store.forbidden',
        skew === null
          ? `Google does not accept the credentials for bucket ${bucket}: expired, revoked, or of a deleted account. Set others with "slipway store access set", or sign in again. Google says: ${message}`
          : `Google does not accept the credentials for bucket ${bucket}: ${skew}.`,
      );
    case 403:
      if (skew !== null) return make('store.forbidden', `Google refuses requests for bucket ${bucket}: ${skew}.`);
      return make(...forbidden(subject, message, reasons));
    case 404:
      return key === undefined || /bucket does not exist/i.test(message)
        ? make(
            'store.unreachable',
            `There is no bucket ${bucket}. Create it, or correct the store's URL (its name only, without the region).`,
          )
        : make('store.not_found', `${key} is not in bucket ${bucket}.`);
    case 409:
      return make('store.unreachable', `Bucket ${bucket} is being changed by somebody else just now (${message}).`);
    case 412:
      return make(
        'store.precondition_failed',
        `${key} was not written: somebody else has written it, or it is not there any more. Read it again and decide on what it says now.`,
      );
    case 413:
      return make('artifact.too_large', `${key} is larger than an object may be. Google says: ${message}`);
  }
  return make(
    'store.malformed',
    `Google Cloud Storage refused a request about ${key ?? `bucket ${bucket}`} (${answer.status}): ${message}. Check the store's URL and its endpoint.`,
  );
}

/** What Google's token server said of a key. Source: developers.google.com/identity/protocols/oauth2/service-account, "JWT error codes". */
function credentialsError(message: string, bucket: string): DomainError | null {
  const refused = (words: string) => new DomainError('store.forbidden', words, { bucket });
  if (/short-lived token|reasonable timeframe|iat and exp/i.test(message)) {
    return refused(
      `Google refuses the service account's signature for bucket ${bucket}: the clock of this machine is wrong. Set the clock (NTP). Google says: ${message}`,
    );
  }
  if (/invalid_grant|invalid_client|unauthorized_client|account not found|deleted_client/i.test(message)) {
    return refused(
      `Google does not know the credentials for bucket ${bucket}: the service account or its key was deleted or disabled. Make a new key and set it with "slipway store access set". Google says: ${message}`,
    );
  }
  if (/default credentials|Unable to detect a Project Id/i.test(message)) {
    return refused(
      `There are no Google credentials for bucket ${bucket}. Set a service account's JSON with "slipway store access set URL --service-account FILE", or run "gcloud auth application-default login".`,
    );
  }
  if (/PEM|DECODER|private_key|asn1|no start line|client_email|invalid json/i.test(message)) {
    return refused(
      `The service account's JSON for bucket ${bucket} has no usable private key. Set it again with "slipway store access set", from the file as Google gave it.`,
    );
  }
  return null;
}

/** An error of the network, of the library or of signing in; a `DomainError` and an abort pass as they are. */
export function translateGcsFailure(error: unknown, bucket: string): unknown {
  if (error instanceof DomainError) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const known = credentialsError(`${messageOf(error)} ${responseText(error)}`, bucket);
  if (known !== null) return known;
  const code = systemErrorCode(cause) ?? systemErrorCode(error);
  if (code === 'ABORT_ERR' || (error instanceof Error && error.name === 'AbortError')) return error;
  const isNetwork =
    (code !== null && networkCode.test(code)) ||
    (error instanceof TypeError && /fetch failed|terminated/.test(error.message));
  if (!isNetwork) return error;
  const tls = /CERT|SSL|TLS|SIGNED|UNABLE_TO/.test(code ?? '');
  return new DomainError(
    'store.unreachable',
    tls
      ? `The connection to Google Cloud Storage for bucket ${bucket} is not trusted (${code}). Check the system's clock and certificates, or the proxy between.`
      : `Google Cloud Storage does not answer for bucket ${bucket} (${code ?? messageOf(cause)}). Check the network, the proxy and the store's endpoint; it is tried again by itself.`,
    { bucket, ...(code === null ? {} : { systemCode: code }) },
    { cause: error },
  );
}

/** What the token server answered, where the library's error carries it. */
function responseText(error: unknown): string {
  const parsed = z.object({ response: z.object({ data: z.unknown() }) }).safeParse(error);
  return parsed.success ? JSON.stringify(parsed.data.response.data ?? '') : '';
}
