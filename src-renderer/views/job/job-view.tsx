/** Owns the page of one job: what it is at, why it failed, its steps, and the live log. */
import { client } from '../../client/client.ts';
import { useCommands } from '../../commands/registry.ts';
import { useAction } from '../../state/use-action.ts';
import { useQuery } from '../../state/use-query.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { Track } from '../../ui/track.tsx';
import { JobHeader } from './job-header.tsx';
import { JobLosses } from './job-losses.tsx';
import { jobActions } from './job-model.ts';
import styles from './job-view.module.css';
import { JobWork } from './job-work.tsx';

/** One job. */
export function JobView({ jobId }: { readonly jobId: string }) {
  const query = useQuery(
    `job:${jobId}`,
    () => client.jobs.get({ id: jobId }),
    ['job', 'build', 'replica', 'release', 'machine', 'replicas'],
    {
      jobId,
    },
  );
  const cancel = useAction(() => client.jobs.cancel({ id: jobId }));
  const retry = useAction(() => client.jobs.retry({ id: jobId }));
  const act = async (action: { run: () => Promise<unknown> }) => {
    await action.run();
    query.refetch();
  };
  const job = query.data;
  const actions = job ? jobActions(job) : { cancel: false, retry: false };
  useCommands([
    {
      id: 'job.cancel',
      title: `Cancel job ${job?.number ?? ''}`,
      group: 'Do',
      shortcut: null,
      isEnabled: () => actions.cancel,
      run: () => void act(cancel),
    },
    {
      id: 'job.retry',
      title: `Retry job ${job?.number ?? ''}`,
      group: 'Do',
      shortcut: null,
      isEnabled: () => actions.retry,
      run: () => void act(retry),
    },
  ]);
  if (!job) {
    return query.error ? (
      <ErrorNotice error={query.error} onRetry={query.refetch} />
    ) : (
      <EmptyState title="Loading the job" />
    );
  }
  const failedAct = cancel.error ?? retry.error ?? query.error;
  return (
    <section className={styles.view} aria-label={`Job ${job.number}`}>
      <JobHeader
        job={job}
        busy={cancel.busy || retry.busy}
        onCancel={() => void act(cancel)}
        onRetry={() => void act(retry)}
      />
      <div className={styles.track}>
        <Track
          stages={job.track}
          named
          hrefOf={stage => (stage === 'regions' ? '#/regions' : stage === 'machines' ? '#/machines' : null)}
        />
      </div>
      {failedAct && <ErrorNotice error={failedAct} />}
      <JobLosses job={job} />
      <JobWork key={job.id} job={job} busy={retry.busy} onRetry={() => void act(retry)} />
    </section>
  );
}
