/** Owns reading the list of jobs page by page, while the newest page stays current by events. */
import { useEffect, useMemo, useRef, useState } from 'react';
import type { DomainError } from '../../../src-main/contract/errors.ts';
import type { JobSummary } from '../../../src-main/contract/views/job.ts';
import { client } from '../../client/client.ts';
import { feed } from '../../state/live.ts';
import { useAction } from '../../state/use-action.ts';
import { type Query, useQuery } from '../../state/use-query.ts';
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

function listInput({ status, repositoryId }: JobFilter) {
  return {
    status: status === 'all' ? undefined : status,
    repositoryId: repositoryId ?? undefined,
    limit: pageSize,
  };
}

/** The newest page of a filter and how many jobs there are in all, kept current. */
export function useNewestJobs(
  filter: JobFilter,
): Query<{ readonly jobs: readonly JobSummary[]; readonly total: number }> {
  const repositoryId = filter.repositoryId ?? undefined;
  return useQuery(
    `jobs:${filter.status}:${filter.repositoryId}`,
    () => client.jobs.list(listInput(filter)),
    ['job', 'revision'],
    { repositoryId },
  );
}

/** Jobs of a filter, newest first; `loadMore` adds the next page of older ones. Mount anew for another filter. */
export function useJobs(filter: JobFilter): Jobs {
  const [older, setOlder] = useState<readonly JobSummary[]>([]);
  const newest = useNewestJobs(filter);
  const jobs = useMemo(() => joinJobs(newest.data?.jobs ?? [], older), [newest.data, older]);
  const total = newest.data?.total ?? 0;
  const more = useAction(async () => {
    const last = jobs.at(-1);
    if (!last) return;
    const page = await client.jobs.list({ ...listInput(filter), before: last.number });
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
