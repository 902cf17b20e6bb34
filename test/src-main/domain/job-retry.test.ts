import { expect, it } from 'vitest';
import { DomainError } from '../../../src-main/contract/errors.ts';
import { afterFailure } from '../../../src-main/domain/job-retry.ts';

const failure = {
  error: new DomainError('git.unreachable', 'The host did not answer.'),
  retriesDone: 0,
  retryLimit: 3,
  cancelRequested: false,
  ranOnceOnlyStep: false,
  random: 0.5,
};

it.each([
  ['the first time', {}, 5_000],
  ['the third time', { retriesDone: 2 }, 20_000],
  ['at most after five minutes', { retriesDone: 9, retryLimit: 10 }, 300_000],
  ['a full disk, which nobody empties within seconds', { error: new DomainError('store.full', 'Full.') }, 60_000],
  ['early, by lot', { random: 0 }, 4_000],
  ['late, by lot', { random: 1 }, 6_000],
])('is tried again: %s', (_title, change, delayMs) => {
  expect(afterFailure({ ...failure, ...change })).toEqual({ status: 'queued', delayMs });
});

it.each([
  ["a step's own failure", { error: new DomainError('step.failed', 'Exit code 1.') }],
  ['what a person must mend', { error: new DomainError('git.auth_failed', 'Refused.') }],
  ['a bug', { error: new DomainError('internal', 'Unexpected.') }],
  ['what has been tried as often as it may', { retriesDone: 3 }],
  ['what is never to be tried again', { retryLimit: 0 }],
  ['what a person asked to end', { cancelRequested: true }],
  ['what began a step that must not run twice', { ranOnceOnlyStep: true }],
])('fails for good: %s', (_title, change) => {
  expect(afterFailure({ ...failure, ...change })).toEqual({ status: 'failed' });
});
