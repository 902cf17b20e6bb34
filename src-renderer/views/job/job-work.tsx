/** Owns the lower half of a job's page: steps beside the log, and which attempt is shown. */
import { useState } from 'react';
import type { JobDetail } from '../../../src-main/contract/views.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { JobLogPane, type ShowRequest } from './job-log-pane.tsx';
import { JobSteps } from './job-steps.tsx';
import styles from './job-view.module.css';

/** Steps and log of a job. */
export function JobWork({ job }: { readonly job: JobDetail }) {
  const [chosen, setChosen] = useState<number | null>(null);
  const [request, setRequest] = useState<ShowRequest | null>(null);
  const [current, setCurrent] = useState<number | null>(null);
  const attempt = chosen ?? job.attempt;
  return (
    <div className={styles.work}>
      <JobSteps
        job={job}
        current={attempt === job.attempt ? current : null}
        onShow={logOffset => {
          setChosen(null);
          setRequest(previous => ({ logOffset, turn: (previous?.turn ?? 0) + 1 }));
        }}
      />
      {attempt === 0 ? (
        <EmptyState title="No output yet">
          {job.waitingFor ? `The job waits: ${job.waitingFor}.` : 'The log begins when a worker takes the job.'}
        </EmptyState>
      ) : (
        <JobLogPane
          key={`${job.id}:${attempt}`}
          job={job}
          attempt={attempt}
          request={attempt === job.attempt ? request : null}
          onAttempt={next => setChosen(next === job.attempt ? null : next)}
          onStep={setCurrent}
        />
      )}
    </div>
  );
}
