import { expect, it } from 'vitest';
import type { Push } from '../../../src-main/contract/events.ts';
import { type Alert, alertOf, type Outcomes, switchesOf } from '../../../src-renderer/state/alerts.ts';

let cursor = 0;
function ended(repositoryId: string, status: string): Push {
  cursor += 1;
  const event = {
    cursor,
    atMs: 0,
    type: 'job.finished',
    repositoryId,
    jobId: `job-${cursor}`,
    subjectId: null,
    data: { status },
  } as const;
  return { kind: 'event', event };
}

function told(pushes: readonly Push[]): (Alert['kind'] | null)[] {
  let known: Outcomes = new Map();
  return pushes.map(push => {
    const { alert, outcomes } = alertOf(push, known);
    known = outcomes;
    return alert?.kind ?? null;
  });
}

it('tells of a failure once, and of the recovery after it, for each repository apart', () => {
  const pushes = ['succeeded', 'failed', 'failed', 'cancelled', 'failed', 'succeeded', 'succeeded', 'interrupted'];
  expect(told(pushes.map(status => ended('a', status)))).toEqual([
    ...[null, 'failure', null, null, null, 'recovery', null, 'failure'],
  ]);
  expect(told([ended('a', 'failed'), ended('b', 'failed'), ended('b', 'succeeded')])).toEqual([
    'failure',
    'failure',
    'recovery',
  ]);
});

it('has both switches on until a person chooses', () => {
  expect(switchesOf({ enabled: true, repositories: {} }, 'a')).toEqual({ failure: true, recovery: true });
  const off = { failure: false, recovery: true };
  expect(switchesOf({ enabled: true, repositories: { a: off } }, 'a')).toEqual(off);
});
