import { describe, expect, it } from 'vitest';
import { httpStatusError } from '../../../src-main/sources/git-errors.ts';
import { rateLimitOf, retryAfterMs } from '../../../src-main/sources/rate-limit.ts';

const now = Date.UTC(2026, 0, 1);

describe('what an answer says of a limit', () => {
  it.each([
    [
      'GitHub',
      { 'x-ratelimit-remaining': '12', 'x-ratelimit-reset': '1800000000' },
      { remaining: 12, resetAtMs: 1_800_000_000_000 },
    ],
    [
      'GitLab',
      { 'ratelimit-remaining': '0', 'ratelimit-reset': '1800000000' },
      { remaining: 0, resetAtMs: 1_800_000_000_000 },
    ],
    ['the draft', { 'ratelimit-remaining': '3', 'ratelimit-reset': '30' }, { remaining: 3, resetAtMs: now + 30_000 }],
    ['nobody', {}, null],
    ['half', { 'ratelimit-remaining': '3' }, null],
    ['nonsense', { 'ratelimit-remaining': '-3', 'ratelimit-reset': '1e99' }, null],
  ])('is read as %s writes it', (_, headers, expected) => {
    expect(rateLimitOf(headers, now)).toEqual(expected);
  });

  it.each([
    ['120', 120_000],
    [new Date(now + 5_000).toUTCString(), 5_000],
    [new Date(now - 5_000).toUTCString(), 0],
    ['soon', null],
  ])('reads Retry-After: %s', (value, expected) => {
    expect(retryAfterMs({ 'retry-after': value }, now)).toBe(expected);
  });

  it.each([
    [429, {}, 'git.rate_limited'],
    [503, { 'retry-after': '7' }, 'git.rate_limited'],
    [503, {}, 'git.unreachable'],
    [403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '4000000000' }, 'git.rate_limited'],
    [403, { 'x-ratelimit-remaining': '9', 'x-ratelimit-reset': '4000000000' }, 'git.auth_failed'],
  ])('makes HTTP %i %j %s', (status, headers, code) => {
    expect(httpStatusError('https://git.example.com/x', status, headers)).toMatchObject({ code });
  });
});
