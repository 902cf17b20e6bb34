/** Owns what a job's page shows of attempts whose worker was lost: the facts of each, and the last that was said. */
import type { JobDetail } from '../../../src-main/contract/views/job.ts';
import { classes } from '../../ui/classes.ts';
import { lossRows } from './job-loss-model.ts';
import styles from './job-view.module.css';

/** Nothing for a job that lost no worker. */
export function JobLosses({ job }: { readonly job: Pick<JobDetail, 'attempts'> }) {
  const rows = lossRows(job);
  if (rows.length === 0) return null;
  return (
    <section className={classes(styles.cause, styles.causeStale)} aria-label="Lost attempts">
      <div className={styles.causeWords}>
        {rows.map(row => (
          <details key={row.attempt}>
            <summary>{row.title}</summary>
            <p className={styles.causeAdvice}>{row.facts}</p>
            {row.said !== '' && <pre className={styles.said}>{row.said}</pre>}
          </details>
        ))}
      </div>
    </section>
  );
}
