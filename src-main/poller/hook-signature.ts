/** Owns whether what a forge sends was signed with a repository's secret. Knows no transport. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const secretContext = 'slipway/hook-secret/v1/';

/** The secret of a repository's hook: made of the master key, so that it lies nowhere. */
export function hookSecret(masterKey: Uint8Array, repositoryId: string): string {
  return createHmac('sha256', masterKey).update(`${secretContext}${repositoryId}`).digest('hex');
}

/** In the same time whatever differs. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHmac('sha256', 'compare').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/**
 * Whether a delivery is signed. Sources: GitHub's "Validating webhook deliveries" (`X-Hub-Signature-256`, sent by Gitea too), Bitbucket's
 * "Manage webhooks" (`X-Hub-Signature`, with SHA-256) and GitLab's "Webhooks" (`X-Gitlab-Token`, the secret itself). GitHub's older
 * `X-Hub-Signature` with SHA-1 is not taken.
 */
export function isSigned(secret: string, headers: IncomingHttpHeaders, body: Uint8Array): boolean {
  const token = headers['x-gitlab-token'];
  if (typeof token === 'string') return isSame(token, secret);
  const given = headers['x-hub-signature-256'] ?? headers['x-hub-signature'];
  if (typeof given !== 'string') return false;
  return isSame(given, `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
}
