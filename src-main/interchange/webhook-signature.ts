/** Owns how a delivery is signed: as receivers of every language have libraries for. Source: standardwebhooks.com, specification 1.0 */
import { createHmac, randomBytes } from 'node:crypto';

const prefix = 'whsec_';

/** `whsec_` and 32 random bytes in Base64. */
export function createWebhookSecret(): string {
  return `${prefix}${randomBytes(32).toString('base64')}`;
}

/** The headers of one delivery; `atMs` is the time of the try, in UTC milliseconds. */
export function signatureHeaders(request: {
  readonly secret: string;
  readonly id: string;
  readonly atMs: number;
  readonly body: string;
}): Readonly<Record<string, string>> {
  const { secret, id, body } = request;
  const seconds = String(Math.floor(request.atMs / 1_000));
  const key = Buffer.from(secret.slice(prefix.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${signature}` };
}
