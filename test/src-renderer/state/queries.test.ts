/** Tests when data is fetched: once for many views, again for what concerns it, never more often than people read. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DomainError } from '../../../src-main/contract/errors.ts';
import type { Push } from '../../../src-main/contract/events.ts';
import { Queries } from '../../../src-renderer/state/queries.ts';
import { concerns } from '../../../src-renderer/state/topics.ts';

function event(type: 'job.finished' | 'region.added', repositoryId: string | null = null): Push {
  return {
    kind: 'event',
    event: { cursor: 1, atMs: 0, type, repositoryId, jobId: null, subjectId: null, data: {} },
  };
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const settled = () => vi.advanceTimersByTimeAsync(0);

describe('Queries', () => {
  it('fetches once for two views of one key, and keeps the data when they are gone', async () => {
    const queries = new Queries();
    const fetcher = vi.fn(async () => 'data');
    const options = { key: 'k', fetcher, topics: ['job'], scope: {} } as const;
    const ends = [queries.watch(options), queries.watch(options)];
    await settled();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(queries.store.getState().entries.get('k')).toMatchObject({ data: 'data', error: null, fetching: false });
    // The second view joined while the first fetch was out, so its wish was served by one more.
    expect(fetcher.mock.calls.length).toBeLessThanOrEqual(2);
    for (const end of ends) end();
    expect(queries.store.getState().entries.get('k')?.data).toBe('data');
  });

  it('turns a burst of a hundred events into one fetch now and one after', async () => {
    const queries = new Queries();
    const fetcher = vi.fn(async () => 'data');
    const end = queries.watch({ key: 'k', fetcher, topics: ['job'], scope: {} });
    await vi.advanceTimersByTimeAsync(1_000);
    fetcher.mockClear();
    for (let count = 0; count < 100; count += 1) queries.receive(event('job.finished'));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(fetcher).toHaveBeenCalledTimes(2);
    end();
  });

  it('fetches no more than five times a second under a steady stream', async () => {
    const queries = new Queries();
    const fetcher = vi.fn(async () => 'data');
    const end = queries.watch({ key: 'k', fetcher, topics: ['job'], scope: {} });
    for (let passedMs = 0; passedMs < 2_000; passedMs += 10) {
      queries.receive(event('job.finished'));
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(fetcher.mock.calls.length).toBeGreaterThan(5);
    expect(fetcher.mock.calls.length).toBeLessThanOrEqual(11);
    end();
  });

  it('leaves alone what a push does not concern, and what no view shows', async () => {
    const queries = new Queries();
    const fetcher = vi.fn(async () => 'data');
    const end = queries.watch({ key: 'k', fetcher, topics: ['job'], scope: { repositoryId: 'a' } });
    await vi.advanceTimersByTimeAsync(1_000);
    fetcher.mockClear();
    queries.receive(event('region.added'));
    queries.receive(event('job.finished', 'b'));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(fetcher).not.toHaveBeenCalled();
    end();
    queries.receive(event('job.finished', 'a'));
    queries.refetchAll();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(fetcher).not.toHaveBeenCalled();
  });

  it('keeps the last data beside the error of a failed fetch, and clears the error after a success', async () => {
    const queries = new Queries();
    let fails = false;
    const fetcher = async () => {
      if (fails) throw new DomainError('not_found', 'It is gone.');
      return 'data';
    };
    const end = queries.watch({ key: 'k', fetcher, topics: [], scope: {} });
    await vi.advanceTimersByTimeAsync(1_000);
    fails = true;
    queries.refetch('k');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(queries.store.getState().entries.get('k')).toMatchObject({ data: 'data', error: { code: 'not_found' } });
    fails = false;
    queries.refetch('k');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(queries.store.getState().entries.get('k')?.error).toBeNull();
    end();
  });

  it('forgets the oldest of many keys that no view shows', async () => {
    const queries = new Queries();
    for (let index = 0; index < 60; index += 1) {
      const end = queries.watch({ key: `k${index}`, fetcher: async () => index, topics: [], scope: {} });
      await vi.advanceTimersByTimeAsync(10);
      end();
    }
    const { entries } = queries.store.getState();
    expect(entries.size).toBe(40);
    expect(entries.has('k0')).toBe(false);
    expect(entries.has('k59')).toBe(true);
  });
});

describe('concerns', () => {
  it('knows nouns, whole types and pulses', () => {
    expect(concerns(event('job.finished'), ['job'])).toBe(true);
    expect(concerns(event('job.finished'), ['job.finished'])).toBe(true);
    expect(concerns(event('job.finished'), ['job.started'])).toBe(false);
    expect(concerns({ kind: 'pulse', topic: 'swarm', subjectId: null }, ['swarm'])).toBe(true);
    expect(concerns({ kind: 'pulse', topic: 'log', subjectId: 'a' }, ['log'], { jobId: 'b' })).toBe(false);
  });

  it('takes a push without an object as concerning every scope', () => {
    expect(concerns(event('job.finished', null), ['job'], { repositoryId: 'a' })).toBe(true);
    expect(concerns(event('job.finished', 'a'), ['job'], { repositoryId: 'a' })).toBe(true);
  });
});
