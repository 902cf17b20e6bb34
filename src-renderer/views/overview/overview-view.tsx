/** Owns the overview: is anything broken, what happens now, where is each version, what waits and why. */
import { useStore } from 'zustand';
import type { Overview } from '../../../src-main/contract/views/engine.ts';
import type { JobSummary } from '../../../src-main/contract/views/job.ts';
import { connection } from '../../client/client.ts';
import { boardOrder, countStates, fleetWords, worstFirst } from '../../state/fleet.ts';
import { jobProgress } from '../../state/job-words.ts';
import { routeHref } from '../../state/route.ts';
import { useOverview } from '../../state/shared-queries.ts';
import { classes } from '../../ui/classes.ts';
import { useNow } from '../../ui/clock.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { formatAhead, formatDuration } from '../../ui/format.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { Sha } from '../../ui/time.tsx';
import { Board } from './board.tsx';
import { FirstRun } from './first-run.tsx';
import styles from './overview.module.css';
import {
  causeRoute,
  dayWords,
  leftWords,
  type RunningRow,
  runningRows,
  type WaitingRow,
  waitingRows,
} from './overview-model.ts';

function Sentence({ overview }: { readonly overview: Overview }) {
  const rows = boardOrder(overview.repositories);
  const counts = countStates(rows);
  return (
    <p className={styles.sentence}>
      {worstFirst
        .filter(state => counts[state] > 0)
        .map(state => (
          <a key={state} className={styles.count} href={routeHref(causeRoute(rows, state))}>
            <StateGlyph state={state} label={null} />
            <span>
              <span className={styles.number}>{counts[state]}</span> {fleetWords[state]}
            </span>
          </a>
        ))}
      <span className={styles.day} title={dayWords(overview)}>
        {dayWords(overview)}
      </span>
    </p>
  );
}

function JobName({ job }: { readonly job: JobSummary }) {
  return (
    <>
      <a className={text.name} href={routeHref({ view: 'job', jobId: job.id })}>
        {job.repositoryName}
      </a>{' '}
      <Sha revision={job.revision.revision} />
    </>
  );
}

function RunningRowView({ row }: { readonly row: RunningRow }) {
  const nowMs = useNow();
  return (
    <tr>
      <td className={table.state}>
        <StateGlyph state="running" progress={row.progress ?? jobProgress(row.job, nowMs)} />
      </td>
      <td className={styles.jobName}>
        <JobName job={row.job} />
      </td>
      <td>
        <span className={styles.stage}>{row.stage}</span>
        {row.words}
        {row.workerName && <span className={text.sub}> · {row.workerName}</span>}
      </td>
      <td className={classes(table.num, styles.elapsed)}>
        {row.startedAtMs !== null && formatDuration(nowMs - row.startedAtMs)}
      </td>
      <td className={classes(table.num, table.last, styles.left, styles.muted)}>{leftWords(row.etaMs, nowMs)}</td>
    </tr>
  );
}

function WaitingRowView({ row }: { readonly row: WaitingRow }) {
  const nowMs = useNow();
  const starts = row.needsPerson
    ? 'once you decide'
    : row.startsAtMs === null
      ? ''
      : `starts ${formatAhead(row.startsAtMs, nowMs)}`;
  return (
    <tr>
      <td className={table.state}>
        <StateGlyph state={row.state} />
      </td>
      <td className={classes(table.num, styles.place, styles.muted)}>{row.place}</td>
      <td className={styles.jobName}>
        <JobName job={row.job} />
      </td>
      <td>{row.waitsFor}</td>
      <td className={classes(table.num, table.last, styles.start, styles.muted)}>{starts}</td>
    </tr>
  );
}

function Twin({ overview }: { readonly overview: Overview }) {
  const running = runningRows(overview);
  const waiting = waitingRows(overview);
  return (
    <div className={styles.twin}>
      <section aria-label="Now running">
        <h2>
          Now running<span className={styles.total}>{running.length}</span>
        </h2>
        {running.length === 0 ? (
          <p className={styles.none}>Nothing is moving.</p>
        ) : (
          <table className={table.table}>
            <tbody>
              {running.map(row => (
                <RunningRowView key={row.job.id} row={row} />
              ))}
            </tbody>
          </table>
        )}
      </section>
      <section aria-label="Waiting">
        <h2>
          Waiting<span className={styles.total}>{waiting.length}</span>
        </h2>
        {waiting.length === 0 ? (
          <p className={styles.none}>Nothing waits.</p>
        ) : (
          <table className={table.table}>
            <tbody>
              {waiting.map(row => (
                <WaitingRowView key={row.job.id} row={row} />
              ))}
            </tbody>
          </table>
        )}
      </section>
    </div>
  );
}

/** The overview. */
export function OverviewView() {
  const overview = useOverview();
  const offline = useStore(connection.state, state => state.kind === 'offline');
  if (!overview.data) {
    if (overview.error && !offline) return <ErrorNotice error={overview.error} onRetry={overview.refetch} />;
    return (
      <EmptyState title={offline ? 'There is no connection to the engine' : 'Connecting to the engine'}>
        The repositories appear here as soon as the engine answers.
      </EmptyState>
    );
  }
  if (overview.data.repositories.length === 0) return <FirstRun />;
  return (
    <div className={styles.view}>
      <Sentence overview={overview.data} />
      <Board rows={boardOrder(overview.data.repositories)} />
      <Twin overview={overview.data} />
    </div>
  );
}
