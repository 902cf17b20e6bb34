/** Owns the plots of what was measured over time: build time, wait, outcomes, bytes. */
import { useMemo, useState } from 'react';
import type { TrendPoint, Trends } from '../../../src-main/contract/capacity.ts';
import { client } from '../../client/client.ts';
import { useOverview } from '../../state/shared-queries.ts';
import { useQuery } from '../../state/use-query.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { formatBytes, formatCount, plural } from '../../ui/format.ts';
import { Plot } from '../../ui/plot.tsx';
import { Select } from '../../ui/select.tsx';
import text from '../../ui/text.module.css';
import { waitSteps, waitWords } from './capacity-model.ts';
import styles from './capacity-view.module.css';

const spans = [
  { value: '2', label: 'Two days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
];

/** What was measured, over time. */
export function TrendPlots() {
  const [days, setDays] = useState('2');
  const [repository, setRepository] = useState('');
  const rows = useOverview().data?.repositories ?? [];
  const query = useQuery(
    `trends:${days}:${repository}`,
    () => client.capacity.trends({ days: Number(days), repositoryId: repository === '' ? undefined : repository }),
    ['job', 'build'],
  );
  return (
    <section className={styles.trends} aria-label="What was measured">
      <div className={styles.trendBar}>
        <h2>What was measured</h2>
        <Select label="Time" value={days} options={spans} onChange={setDays} />
        <Select
          label="Repository"
          value={repository}
          options={[{ value: '', label: 'All repositories' }, ...rows.map(row => ({ value: row.id, label: row.name }))]}
          onChange={setRepository}
        />
        {query.data && (
          <span className={text.sub}>
            {plural(query.data.jobs, 'job')} that succeeded or failed{query.data.cut ? ', the newest of more' : ''}
          </span>
        )}
      </div>
      {query.error && <ErrorNotice error={query.error} onRetry={query.refetch} />}
      {query.data &&
        (query.data.jobs === 0 ? <EmptyState title="No job ended in this time" /> : <Plots trends={query.data} />)}
    </section>
  );
}

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const hour = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

function Plots({ trends: { every, points } }: { readonly trends: Trends }) {
  const x = useMemo(() => points.map(point => point.atMs), [points]);
  const of = (value: (point: TrendPoint) => number | null) => points.map(value);
  const sum = (value: (point: TrendPoint) => number | null) =>
    points.reduce((all, point) => all + (value(point) ?? 0), 0);
  const format = every === 'day' ? day : hour;
  const shared = {
    x,
    xLabel: every === 'day' ? 'Day (UTC)' : 'Hour',
    formatX: (at: number) => format.format(at),
    time: true,
  };
  const succeeded = sum(point => point.succeeded);
  const failed = sum(point => point.failed);
  return (
    <div className={styles.plots}>
      <Plot
        {...shared}
        title="Build time"
        summary={`${every} by ${every}, the median and what 19 of 20 builds do not pass`}
        formatY={waitWords}
        stepsY={waitSteps}
        series={[
          { label: 'median', colour: '--text-default', values: of(point => point.medianBuildMs) },
          { label: '19 of 20', colour: '--text-muted', dashed: true, values: of(point => point.p95BuildMs) },
        ]}
      />
      <Plot
        {...shared}
        title="Wait in the queue"
        summary={`${every} by ${every}, the median and what 19 of 20 jobs do not pass`}
        formatY={waitWords}
        stepsY={waitSteps}
        series={[
          { label: 'median', colour: '--text-default', values: of(point => point.medianWaitMs) },
          { label: '19 of 20', colour: '--text-muted', dashed: true, values: of(point => point.p95WaitMs) },
        ]}
      />
      <Plot
        {...shared}
        title={`Outcomes, ${Math.round((100 * succeeded) / (succeeded + failed))} % succeeded`}
        summary={`${formatCount(succeeded)} succeeded and ${formatCount(failed)} failed`}
        formatY={value => (Number.isInteger(value) ? formatCount(value) : '')}
        series={[
          {
            label: 'all',
            colour: '--state-verified-glyph',
            kind: 'bars',
            values: of(point => point.succeeded + point.failed),
          },
          { label: 'failed', colour: '--state-failed-glyph', kind: 'bars', values: of(point => point.failed) },
        ]}
      />
      {every === 'day' && (
        <Plot
          {...shared}
          title="Bytes between this machine and stores"
          summary={`${formatBytes(sum(point => point.bytesSent))} sent and ${formatBytes(sum(point => point.bytesRead))} read, all repositories`}
          formatY={formatBytes}
          series={[
            { label: 'sent', colour: '--text-default', values: of(point => point.bytesSent) },
            { label: 'read', colour: '--text-muted', dashed: true, values: of(point => point.bytesRead) },
          ]}
        />
      )}
    </div>
  );
}
