/** Owns the list of a job's steps: each with its command, the evidence for it, its time and a bar of it. */
import type { JobDetail } from '../../../src-main/contract/views/job.ts';
import { classes } from '../../ui/classes.ts';
import { useNow } from '../../ui/clock.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import { Elapsed } from '../../ui/time.tsx';
import { stepRows } from './job-model.ts';
import styles from './job-steps.module.css';

export interface JobStepsProps {
  readonly job: JobDetail;
  /** Index of the step whose output is in sight. */
  readonly current: number | null;
  readonly onShow: (logOffset: number) => void;
}

/** The steps of a job. A step that has written something leads to its output. */
export function JobSteps({ job, current, onShow }: JobStepsProps) {
  const rows = stepRows(job, useNow());
  return (
    <div className={styles.steps}>
      <h3 className={styles.title}>
        Steps
        {job.startedAtMs !== null && (
          <span className={styles.total}>
            <Elapsed startedAtMs={job.startedAtMs} finishedAtMs={job.finishedAtMs} />
          </span>
        )}
      </h3>
      {rows.length === 0 && <p className={styles.none}>The plan is made when the job starts.</p>}
      <ol className={styles.list}>
        {rows.map(row => {
          const offset = row.logOffset;
          return (
            <li
              key={row.index}
              className={classes(
                styles.step,
                row.look === null && styles.ahead,
                row.index === current && styles.selected,
              )}
              aria-current={row.index === current ? 'step' : undefined}
            >
              {row.look ? (
                <StateGlyph state={row.look} label={row.lookWord} />
              ) : (
                <span className={styles.dot} role="img" aria-label={row.lookWord} />
              )}
              <div className={styles.body}>
                <div className={styles.line}>
                  {offset === null ? (
                    <span>{row.name}</span>
                  ) : (
                    <button
                      type="button"
                      className={styles.name}
                      onClick={() => onShow(offset)}
                      title="Show its output"
                    >
                      {row.name}
                    </button>
                  )}
                  <span className={styles.time}>{row.time}</span>
                </div>
                {row.command && (
                  <code className={styles.command} title={row.command}>
                    {row.command}
                  </code>
                )}
                {row.note && (
                  <div className={styles.note} title={row.note}>
                    {row.note}
                  </div>
                )}
                {row.share > 0 && (
                  <span
                    className={classes(
                      styles.bar,
                      row.look === 'failed' && styles.barFailed,
                      row.look === 'running' && styles.barRunning,
                    )}
                    style={{ width: `${Math.max(1, row.share * 100).toFixed(1)}%` }}
                  />
                )}
              </div>
            </li>
          );
        })}
      </ol>
    </div>
  );
}
