/** Owns who may do what at the loopback server: service accounts, their tokens and permissions, and signed URLs. */
import { createHash, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';
import { GoogleError } from './google-error.ts';

export interface TestAccount {
  readonly email: string;
  /** As Google hands it out. */
  readonly json: string;
  readonly publicKey: KeyObject;
}

/**
 * A new service account. With a `universe` that is not Google's own its requests carry a token that it signs itself, for which
 * nobody is asked. Source: google.aip.dev/auth/4111
 */
export function makeTestAccount(email = 'store@test-project.iam.gserviceaccount.com', universe?: string): TestAccount {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const json = JSON.stringify({
    type: 'service_account',
    project_id: 'test-project',
    private_key_id: createHash('sha256').update(email).digest('hex').slice(0, 40),
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: email,
    client_id: '100000000000000000000',
    token_uri: 'https://oauth2.googleapis.com/token',
    ...(universe === undefined ? {} : { universe_domain: universe }),
  });
  return { email, json, publicKey };
}

const claimsSchema = z.object({ iss: z.string(), iat: z.number(), exp: z.number() });

function decode(part: string | undefined): Buffer {
  return Buffer.from(part ?? '', 'base64url');
}

/**
 * The token server's answer to a signed assertion. Source: developers.google.com/identity/protocols/oauth2/service-account, "HTTP/REST",
 * with the words of its "JWT error codes".
 */
export function grantToken(
  form: string,
  account: TestAccount,
  nowMs: number,
): { readonly status: number; readonly body: string } {
  const refuse = (description: string) => ({
    status: 400,
    body: JSON.stringify({ error: 'invalid_grant', error_description: description }),
  });
  const assertion = new URLSearchParams(form).get('assertion') ?? '';
  const [header, claims, signature] = assertion.split('.');
  const { iss, iat, exp } = claimsSchema.parse(JSON.parse(decode(claims).toString('utf8')));
  if (iss !== account.email) return refuse('Invalid grant: account not found');
  const isSigned = verify('sha256', Buffer.from(`${header}.${claims}`), account.publicKey, decode(signature));
  if (!isSigned) return refuse('Invalid JWT Signature.');
  if (iat * 1000 > nowMs + 5 * 60_000 || exp * 1000 < nowMs) {
    return refuse(
      'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.',
    );
  }
  return {
    status: 200,
    body: JSON.stringify({ access_token: tokenOf(account), token_type: 'Bearer', expires_in: 3599 }),
  };
}

/** Whether the header names the account, by a token of the token server or by one that the account has signed. */
export function isFrom(account: TestAccount, authorization: string | undefined, nowMs: number): boolean {
  const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? '';
  if (token === tokenOf(account)) return true;
  const [header, claims, signature, ...more] = token.split('.');
  if (signature === undefined || more.length > 0) return false;
  const isSigned = verify('sha256', Buffer.from(`${header}.${claims}`), account.publicKey, decode(signature));
  if (!isSigned) return false;
  const { iss, iat, exp } = claimsSchema.parse(JSON.parse(decode(claims).toString('utf8')));
  return iss === account.email && iat * 1000 < nowMs + 5 * 60_000 && exp * 1000 > nowMs;
}

export const tokenOf = (account: TestAccount) => `ya29.${createHash('sha256').update(account.email).digest('hex')}`;

/** Source: cloud.google.com/storage/docs/authentication/canonical-requests */
export function checkSignedUrl(url: URL, account: TestAccount, nowMs: number): void {
  const denied = (why: string) => new GoogleError(403, 'SignatureDoesNotMatch', why);
  const parameter = (name: string) => url.searchParams.get(name) ?? '';
  const [email, ...scope] = decodeURIComponent(parameter('X-Goog-Credential')).split('/');
  if (email !== account.email) throw denied('The credential is not known.');
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(parameter('X-Goog-Date')) ?? [];
  const startedMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (!(nowMs < startedMs + Number(parameter('X-Goog-Expires')) * 1000)) throw denied('The URL has expired.');
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Goog-Signature')
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort()
    .join('&');
  const canonical = ['GET', url.pathname, query, `host:${url.hostname}\n`, 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  const text = [
    'GOOG4-RSA-SHA256',
    parameter('X-Goog-Date'),
    scope.join('/'),
    createHash('sha256').update(canonical).digest('hex'),
  ].join('\n');
  const signature = Buffer.from(parameter('X-Goog-Signature'), 'hex');
  if (!verify('sha256', Buffer.from(text), account.publicKey, signature)) throw denied('The signature does not match.');
}
