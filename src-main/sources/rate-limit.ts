/** Owns what a server's answer says of how much it may be asked. */
import type { IncomingHttpHeaders } from 'node:http';
import type { RateLimit } from '../domain/poll-host.ts';

function numberOf(value: string | string[] | undefined): number | null {
  const text = Array.isArray(value) ? value[0] : value;
  return text !== undefined && /^\d{1,12}$/.test(text.trim()) ? Number(text) : null;
}

/** Milliseconds until the request may be sent again. Source: RFC 9110, section 10.2.3: seconds, or a date. */
export function retryAfterMs(headers: IncomingHttpHeaders, now: number): number | null {
  const value = headers['retry-after'];
  if (value === undefined) return null;
  const seconds = numberOf(value);
  if (seconds !== null) return seconds * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

/**
 * GitHub's `x-ratelimit-remaining` and `-reset`, GitLab's and the IETF draft's `ratelimit-remaining` and `-reset`. The reset is a
 * time in seconds since 1970, or, in the draft, seconds from now. Null where nothing is said.
 * Sources: docs.github.com, "Rate limits for the REST API"; docs.gitlab.com, "User and IP rate limits";
 * draft-ietf-httpapi-ratelimit-headers-07.
 */
export function rateLimitOf(headers: IncomingHttpHeaders, now: number): RateLimit | null {
  const remaining = numberOf(headers['x-ratelimit-remaining'] ?? headers['ratelimit-remaining']);
  const reset = numberOf(headers['x-ratelimit-reset'] ?? headers['ratelimit-reset']);
  if (remaining === null || reset === null) return null;
  return { remaining, resetAtMs: reset > 1_000_000_000 ? reset * 1_000 : now + reset * 1_000 };
}
