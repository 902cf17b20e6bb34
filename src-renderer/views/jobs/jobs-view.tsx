/** Owns the list of all jobs, newest first, of any length. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useCallback, useEffect, useRef, useState } from 'react';
import { drillRepositoryId } from '../../../src-main/contract/drill.ts';
import type { JobSummary } from '../../../src-main/contract/views/job.ts';
import { jobProgress, jobState, jobWords } from '../../state/job-words.ts';
import { routeHref } from '../../state/route.ts';
import { useOverview } from '../../state/shared-queries.ts';
import { classes } from '../../ui/classes.ts';
import { useNow } from '../../ui/clock.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { plural } from '../../ui/format.ts';
import { Spacer } from '../../ui/rows-in-sight.tsx';
import { Select } from '../../ui/select.tsx';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { AheadTime, Elapsed, RelativeTime, Sha } from '../../ui/time.tsx';
import styles from './jobs.module.css';
import { type StatusFilter, statusOptions } from './jobs-model.ts';
import { type JobFilter, useJobs, useNewestJobs } from './use-jobs.ts';
import { WaitingWords } from './waiting-words.tsx';

const rowHeight = 33;
const headHeight = 32;
/** The next page is asked for this many rows before the end is seen. */
const aheadRows = 40;
const allRepositories = 'all';

/** Drawn again only when its job changes: each step of a scroll draws the list. */
const Row = memo(function Row({ job, index }: { readonly job: JobSummary; readonly index: number }) {
  const nowMs = useNow();
  const state = jobState(job.status);
  return (
    <tr aria-rowindex={index + 2}>
      <td className={table.state}>
        <StateGlyph state={state} progress={jobProgress(job, nowMs)} label={null} />
      </td>
      <td className={styles.number}>
        <a className={text.name} href={routeHref({ view: 'job', jobId: job.id })} aria-label={`Job ${job.number}`}>
          {job.number}
        </a>
      </td>
      <td className={styles.repository} title={`${job.repositoryName} ${job.branch}`}>
        {job.repositoryId === drillRepositoryId ? (
          job.repositoryName
        ) : (
          <a href={routeHref({ view: 'repository', repositoryId: job.repositoryId })}>{job.repositoryName}</a>
        )}{' '}
        <span className={text.sub}>{job.branch}</span>
      </td>
      <td className={styles.sha}>
        <Sha revision={job.revision.revision} />
      </td>
      <td title={job.revision.subject}>{job.revision.subject}</td>
      <td
        className={classes(styles.words, state !== 'verified' && text[state])}
        title={job.error?.message ?? jobWords(job)}
      >
        {jobWords(job)}
        <WaitingWords job={job} before=" · " />
        {job.attempt > 1 && <span className={text.sub}> · attempt {job.attempt}</span>}
      </td>
      <td className={classes(styles.worker, text.sub)} title={job.workerName ?? undefined}>
        {job.workerName}
      </td>
      <td className={classes(table.num, styles.took)}>
        {job.startedAtMs !== null && <Elapsed startedAtMs={job.startedAtMs} finishedAtMs={job.finishedAtMs} />}
      </td>
      <td className={classes(table.num, table.last, styles.when, text.sub)}>
        {job.status === 'queued' && job.etaMs !== null ? (
          <>
            starts <AheadTime atMs={job.etaMs} />
          </>
        ) : (
          <RelativeTime atMs={job.finishedAtMs ?? job.startedAtMs ?? job.queuedAtMs} />
        )}
      </td>
    </tr>
  );
});

const columns: readonly (readonly [title: string, className: string | undefined])[] = [
  ['Job', styles.number],
  ['Repository', styles.repository],
  ['Revision', styles.sha],
  ['Subject', undefined],
  ['Outcome', styles.words],
  ['Worker', styles.worker],
  ['Took', classes(table.num, styles.took)],
  ['When', classes(table.num, table.last, styles.when)],
];

function List({ filter }: { readonly filter: JobFilter }) {
  const { jobs, total, loading, error, loadMore, refetch } = useJobs(filter);
  const scroll = useRef<HTMLElement>(null);
  // The list measures all its rows anew when this is another function.
  const keyOf = useCallback((index: number) => jobs[index]?.id ?? index, [jobs]);
  const rows = useVirtualizer({
    count: jobs.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: headHeight,
    getItemKey: keyOf,
  });
  const drawn = rows.getVirtualItems();
  const lastDrawn = drawn.at(-1)?.index ?? 0;
  const wantsMore = jobs.length > 0 && lastDrawn + aheadRows >= jobs.length && jobs.length < total;
  useEffect(() => {
    if (wantsMore) loadMore();
  });
  if (!loading && !error && jobs.length === 0) {
    return (
      <EmptyState title="No job like this">
        Each new revision of a repository becomes a job, and stays listed here afterwards.
      </EmptyState>
    );
  }
  const before = (drawn[0]?.start ?? headHeight) - headHeight;
  const after = rows.getTotalSize() - ((drawn.at(-1)?.end ?? headHeight) - headHeight);
  return (
    <>
      {error && <ErrorNotice error={error} onRetry={refetch} />}
      <section className={styles.scroll} ref={scroll} aria-label={plural(total, 'job')} tabIndex={-1}>
        <table className={classes(table.table, styles.list)} aria-rowcount={total + 1}>
          <thead>
            <tr aria-rowindex={1}>
              <th className={table.state} scope="col">
                <span className={text.hidden}>State</span>
              </th>
              {columns.map(([title, className]) => (
                <th key={title} className={className} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <Spacer height={before} columns={columns.length + 1} />
            {drawn.map(item => {
              const job = jobs[item.index];
              return job ? <Row key={item.key} job={job} index={item.index} /> : null;
            })}
            <Spacer height={after} columns={columns.length + 1} />
          </tbody>
        </table>
      </section>
    </>
  );
}

function Total({ filter }: { readonly filter: JobFilter }) {
  const newest = useNewestJobs(filter).data;
  return <span className={styles.total}>{newest ? plural(newest.total, 'job') : ''}</span>;
}

/** The list with its filters. */
export function JobsView() {
  const [status, setStatus] = useState<StatusFilter>('all');
  const [repositoryId, setRepositoryId] = useState<string>(allRepositories);
  const repositories = useOverview().data?.repositories ?? [];
  const filter = { status, repositoryId: repositoryId === allRepositories ? null : repositoryId };
  const key = `${status}:${repositoryId}`;
  return (
    <div className={styles.view}>
      <div className={styles.bar}>
        <Select label="Status" value={status} options={statusOptions} onChange={setStatus} />
        <Select
          label="Repository"
          value={repositoryId}
          options={[
            { value: allRepositories, label: 'All repositories' },
            ...repositories.map(row => ({ value: row.id, label: row.name })),
          ]}
          onChange={setRepositoryId}
        />
        <Total filter={filter} />
      </div>
      <List key={key} filter={filter} />
    </div>
  );
}
