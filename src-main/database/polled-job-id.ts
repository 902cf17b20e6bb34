/** Owns the id of the job that a poll makes: the same for the same revision of a repository, so that the key of jobs queues it once. */
import { hash } from 'node:crypto';

/**
 * A UUID of version 8, made of the SHA-256 of both. Jobs that people start are named by UUIDv7, and so are the polled ones of older
 * databases. Source: RFC 9562, 5.8 and appendix B.2
 */
export function polledJobId(repositoryId: string, revision: string): string {
  const digest = hash('sha256', `${repositoryId}\n${revision}`);
  const variant = ((Number.parseInt(digest.charAt(16), 16) & 3) | 8).toString(16);
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}
