/** Owns reading the list of jobs page by page, while the newest page stays current by events. */
import { useEffect, useRef, useState } from 'react';
import type { DomainError } from '../../../src-main/contract/errors.ts';
import type { JobSummary } from '../../../src-main/contract/views.ts';
import { client } from '../../client/client.ts';
import { feed } from '../../state/live.ts';
import { useAction } from '../../state/use-action.ts';
import { useQuery } from '../../state/use-query.ts';
import { joinJobs, replaceJob, type StatusFilter } from './jobs-model.ts';

const pageSize = 200;

export interface JobFilter {
  readonly status: StatusFilter;
  readonly repositoryId: string | null;
}

export interface Jobs {
  readonly jobs: readonly JobSummary[];
  /** Of the filter, loaded or not. */
  readonly total: number;
  readonly loading: boolean;
  readonly error: DomainError | null;
  readonly loadMore: () => void;
  readonly refetch: () => void;
}

/** Jobs of a filter, newest first; `loadMore` adds the next page of older ones. Mount anew for another filter. */
export function useJobs({ status, repositoryId }: JobFilter): Jobs {
  const [older, setOlder] = useState<readonly JobSummary[]>([]);
  const input = {
    status: status === 'all' ? undefined : status,
    repositoryId: repositoryId ?? undefined,
    limit: pageSize,
  };
  const newest = useQuery(`jobs:${status}:${repositoryId}`, () => client.jobs.list(input), ['job', 'revision'], {
    repositoryId: repositoryId ?? undefined,
  });
  const jobs = joinJobs(newest.data?.jobs ?? [], older);
  const total = newest.data?.total ?? 0;
  const more = useAction(async () => {
    const last = jobs.at(-1);
    if (!last) return;
    const page = await client.jobs.list({ ...input, before: last.number });
    setOlder(before => joinJobs(page.jobs, before));
  });

  // The newest page is fetched again by itself; an older job that changes is fetched alone.
  const known = useRef(older);
  known.current = older;
  useEffect(
    () =>
      feed.listen(push => {
        const id = push.kind === 'event' ? push.event.jobId : null;
        if (id === null || !known.current.some(job => job.id === id)) return;
        client.jobs.get({ id }).then(
          job => setOlder(before => replaceJob(before, job)),
          () => undefined,
        );
      }),
    [],
  );

  return {
    jobs,
    total,
    loading: newest.loading,
    error: newest.error ?? more.error,
    loadMore: () => {
      if (jobs.length < total && !more.busy && !more.error) void more.run();
    },
    refetch: () => {
      more.reset();
      newest.refetch();
    },
  };
}
