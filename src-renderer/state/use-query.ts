/** Owns how a view reads data: fetched when shown, kept current by events, shared between views by key. */
import { useEffect, useRef } from 'react';
import { useStore } from 'zustand';
import type { DomainError } from '../../src-main/contract/errors.ts';
import { emptyEntry, queries } from './queries.ts';
import type { Topic, TopicScope } from './topics.ts';

export interface Query<Data> {
  /** The newest data; stays while it is fetched again and after a failure. */
  readonly data: Data | undefined;
  /** The failure of the newest fetch; null after a success. */
  readonly error: DomainError | null;
  /** Nothing to show yet. */
  readonly loading: boolean;
  readonly fetching: boolean;
  readonly refetch: () => void;
}

export interface QueryOptions extends TopicScope {
  /** False: nothing is fetched. */
  readonly enabled?: boolean;
}

/**
 * Reads `fetcher` under `key`, and again (at most five times a second) when an event or pulse of `topics` arrives.
 * A key must name all that its fetcher depends on: `job:${id}`.
 */
export function useQuery<Data>(
  key: string,
  fetcher: () => Promise<Data>,
  topics: readonly Topic[],
  options: QueryOptions = {},
): Query<Data> {
  const { enabled = true, repositoryId, jobId } = options;
  const latest = useRef({ fetcher, topics });
  latest.current = { fetcher, topics };
  useEffect(() => {
    if (!enabled) return;
    return queries.watch({
      key,
      fetcher: () => latest.current.fetcher(),
      topics: latest.current.topics,
      scope: { repositoryId, jobId },
    });
  }, [key, enabled, repositoryId, jobId]);
  const entry = useStore(queries.store, state => state.entries.get(key)) ?? emptyEntry;
  return {
    // The cache holds what this key's fetcher returned: the key names the type.
    data: entry.data as Data | undefined,
    error: entry.error,
    loading: entry.fetchedAtMs === null && entry.error === null,
    fetching: entry.fetching,
    refetch: () => queries.refetch(key),
  };
}
