/** Tests which events become notices, in which words, and where they lead. */
import { describe, expect, it } from 'vitest';
import type { EngineEvent, EventType } from '../../../src-main/contract/events.ts';
import { addNotices, mostNotices, noticeOf } from '../../../src-renderer/state/notices.ts';

const repositoryId = '0198f3a0-1111-7222-8333-444455556666';
const jobId = '0198f3a0-1111-7222-8333-444455557777';

function event(cursor: number, type: EventType, data: EngineEvent['data'] = {}): EngineEvent {
  return { cursor, atMs: cursor, type, repositoryId, jobId, subjectId: null, data };
}

describe('noticeOf', () => {
  it('tells of a failed build and leads to its job', () => {
    const notice = noticeOf(event(1, 'job.finished', { status: 'failed', error: { message: 'Step “Test” failed.' } }));
    expect(notice).toMatchObject({ state: 'failed', detail: 'Step “Test” failed.', href: `#/jobs/${jobId}` });
  });

  it('says nothing of what is in good order', () => {
    expect(noticeOf(event(1, 'job.finished', { status: 'succeeded' }))).toBeNull();
    expect(noticeOf(event(1, 'job.finished', { status: 'cancelled' }))).toBeNull();
    expect(noticeOf(event(1, 'replica.verified'))).toBeNull();
  });

  it('tells of an interrupted build as one that needs a person', () => {
    expect(noticeOf(event(1, 'job.finished', { status: 'interrupted' }))?.state).toBe('stale');
  });

  it('tells of what became of a branch, once, and not of what a person chose', () => {
    const gone = noticeOf(event(1, 'branch.changed', { change: 'gone', branch: 'main', successor: 'trunk' }));
    expect(gone).toMatchObject({ state: 'stale', detail: expect.stringContaining('watch trunk instead') });
    expect(noticeOf(event(2, 'poll.failed', { code: 'git.branch_missing', message: 'gone' }))).toBeNull();
    expect(noticeOf(event(3, 'branch.changed', { change: 'chosen', branch: 'trunk', from: 'main' }))).toBeNull();
    expect(noticeOf(event(4, 'branch.changed', { change: 'unheard of' }))).toBeNull();
  });

  it('takes the words of a message or a reason, and no others', () => {
    expect(noticeOf(event(1, 'release.refused', { reason: 'not a descendant' }))?.detail).toBe('not a descendant');
    expect(noticeOf(event(1, 'poll.failed', { message: 'unreachable' }))?.detail).toBe('unreachable');
    expect(noticeOf(event(1, 'job.finished', { status: 'failed', error: 'step.failed' }))?.detail).toBe('step.failed');
    expect(noticeOf(event(1, 'machine.failed', { name: 'iad-app-3' }))?.title).toContain('iad-app-3');
    expect(noticeOf(event(1, 'poll.failed', { message: 7, error: { message: {} } }))?.detail).toBeNull();
  });
});

describe('addNotices', () => {
  it('puts the newest first, each event once', () => {
    const events = [event(1, 'worker.lost'), event(3, 'machine.failed'), event(2, 'job.started')];
    const notices = addNotices(addNotices([], events), [event(3, 'machine.failed'), event(4, 'poll.failed')]);
    expect(notices.map(notice => notice.cursor)).toEqual([4, 3, 1]);
  });

  it('keeps the same list when nothing is added', () => {
    const notices = addNotices([], [event(1, 'worker.lost')]);
    expect(addNotices(notices, [event(2, 'job.started')])).toBe(notices);
  });

  it('is bounded', () => {
    const events = Array.from({ length: mostNotices + 50 }, (_, index) => event(index + 1, 'worker.lost'));
    const notices = addNotices([], events);
    expect(notices).toHaveLength(mostNotices);
    expect(notices[0]?.cursor).toBe(mostNotices + 50);
  });
});
