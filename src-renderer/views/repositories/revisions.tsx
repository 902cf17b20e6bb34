/** Owns the revisions of a repository with the job that built each. */
import type { JobSummary } from '../../../src-main/contract/views/job.ts';
import { jobProgress, jobState, jobWords } from '../../state/job-words.ts';
import { routeHref } from '../../state/route.ts';
import { classes } from '../../ui/classes.ts';
import { useNow } from '../../ui/clock.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { Elapsed, RelativeTime, Sha } from '../../ui/time.tsx';
import styles from './repository.module.css';

function Row({ job }: { readonly job: JobSummary }) {
  const nowMs = useNow();
  const state = jobState(job.status);
  return (
    <tr>
      <td className={table.state}>
        <StateGlyph state={state} progress={jobProgress(job, nowMs)} label={null} />
      </td>
      <td className={styles.job}>
        <a className={text.name} href={routeHref({ view: 'job', jobId: job.id })} aria-label={`Job ${job.number}`}>
          {job.number}
        </a>
      </td>
      <td className={styles.sha}>
        <Sha revision={job.revision.revision} />
      </td>
      <td>
        <span className={styles.subject} title={job.revision.subject}>
          {job.revision.subject} <span className={text.sub}>{job.revision.authorName}</span>
        </span>
      </td>
      <td className={classes(styles.words, state !== 'verified' && text[state])}>
        {jobWords(job)}
        {job.attempt > 1 && <span className={text.sub}> · attempt {job.attempt}</span>}
      </td>
      <td className={classes(table.num, styles.took)}>
        {job.startedAtMs !== null && <Elapsed startedAtMs={job.startedAtMs} finishedAtMs={job.finishedAtMs} />}
      </td>
      <td className={classes(table.num, table.last, styles.when, text.sub)}>
        <RelativeTime atMs={job.finishedAtMs ?? job.startedAtMs ?? job.queuedAtMs} />
      </td>
    </tr>
  );
}

/** The jobs, newest first. */
export function RevisionsAndJobs({ jobs }: { readonly jobs: readonly JobSummary[] }) {
  if (jobs.length === 0) {
    return <p className={styles.none}>No revision has been seen yet. The branch is looked at every few seconds.</p>;
  }
  return (
    <table className={table.table}>
      <thead>
        <tr>
          <th className={table.state} scope="col">
            <span className={text.hidden}>State</span>
          </th>
          <th className={styles.job} scope="col">
            Job
          </th>
          <th className={styles.sha} scope="col">
            Revision
          </th>
          <th scope="col">
            <span className={text.hidden}>Subject</span>
          </th>
          <th className={styles.words} scope="col">
            Outcome
          </th>
          <th className={classes(table.num, styles.took)} scope="col">
            Took
          </th>
          <th className={classes(table.num, table.last, styles.when)} scope="col">
            When
          </th>
        </tr>
      </thead>
      <tbody>
        {jobs.map(job => (
          <Row key={job.id} job={job} />
        ))}
      </tbody>
    </table>
  );
}
