/** Owns the banner of a failed job: its cause, and the retry that makes sense. */
import { CornerDownRight, RotateCw } from 'lucide-react';
import type { JobDetail } from '../../../src-main/contract/views/job.ts';
import { Button } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { failureOf } from './job-model.ts';
import styles from './job-view.module.css';

/** Nothing for a job that did not fail. */
export function JobFailure({
  job,
  busy,
  onRetry,
  onFirstError,
}: {
  readonly job: JobDetail;
  readonly busy: boolean;
  readonly onRetry: () => void;
  readonly onFirstError: () => void;
}) {
  const failure = failureOf(job);
  if (!failure) return null;
  return (
    <section className={classes(styles.cause, failure.look === 'stale' && styles.causeStale)} aria-label="Cause">
      <div className={styles.causeWords}>
        <p className={styles.causeMessage}>{failure.message}</p>
        {failure.firstError !== null && <code className={styles.causeLine}>{failure.firstError.line}</code>}
        <p className={styles.causeAdvice}>
          {failure.advice} {failure.code && <code>{failure.code}</code>}
        </p>
      </div>
      <div className={styles.causeActions}>
        {failure.firstError !== null && (
          <Button
            icon={<CornerDownRight size={14} strokeWidth={1.5} aria-hidden />}
            aria-keyshortcuts="e"
            onClick={onFirstError}
          >
            Jump to first error
          </Button>
        )}
        {failure.retry !== 'none' && (
          <Button
            variant="primary"
            icon={<RotateCw size={14} strokeWidth={1.5} aria-hidden />}
            busy={busy}
            onClick={onRetry}
          >
            Retry as attempt {job.attempt + 1}
          </Button>
        )}
      </div>
    </section>
  );
}
