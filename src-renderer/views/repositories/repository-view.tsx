/** Owns one repository: its latest revision's journey, its jobs and builds, its channels, its plan. */
import { Hammer, RefreshCw, SlidersHorizontal, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { otherBranch } from '../../../src-main/contract/branch-state.ts';
import type { RepositoryDetail } from '../../../src-main/contract/views/repository.ts';
import { client } from '../../client/client.ts';
import { useCommands } from '../../commands/registry.ts';
import { queries } from '../../state/queries.ts';
import { navigate } from '../../state/route.ts';
import { useRepository } from '../../state/shared-queries.ts';
import { useAction } from '../../state/use-action.ts';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { formatDuration } from '../../ui/format.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import { RelativeTime, Sha } from '../../ui/time.tsx';
import { Track } from '../../ui/track.tsx';
import { stageHref } from '../overview/overview-model.ts';
import { Alerts } from './alerts.tsx';
import { Builds } from './builds.tsx';
import { Channels } from './channels.tsx';
import { Environment } from './environment.tsx';
import { PlanSteps, planOrigin } from './plan-steps.tsx';
import styles from './repository.module.css';
import { RevisionsAndJobs } from './revisions.tsx';
import { SourceDialog } from './source-dialog.tsx';
import { Timeline } from './timeline.tsx';

const icon = { size: 14, strokeWidth: 1.5, 'aria-hidden': true } as const;

interface HeaderProps {
  readonly repository: RepositoryDetail;
  readonly onRemove: () => void;
  readonly onSource: () => void;
}

function Header({ repository, onRemove, onSource }: HeaderProps) {
  const id = repository.id;
  const build = useAction(async () => {
    const job = await client.repositories.buildNow({ id, priority: true });
    navigate({ view: 'job', jobId: job.id });
  });
  const look = useAction(() => client.repositories.pollNow({ id }));
  const { branchState } = repository;
  const isByBranch = repository.source.tags === null;
  const other = isByBranch ? otherBranch(repository.branch, branchState) : null;
  const watch = useAction(async () => {
    if (other !== null) await client.repositories.setBranch({ id, branch: other });
    queries.refetch(`repository:${id}`);
  });
  const watchLabel = `Watch ${other} instead`;
  useCommands([
    {
      id: 'repository.buildNow',
      title: `Build ${repository.name} now`,
      group: 'Do',
      shortcut: 'B',
      isEnabled: () => !build.busy,
      run: () => void build.run(),
    },
  ]);
  const error = build.error ?? look.error ?? watch.error ?? repository.pollError;
  const isGone = error !== null && error === repository.pollError && branchState.gone !== null && other !== null;
  return (
    <>
      <header className={styles.head}>
        <div className={styles.title}>
          <StateGlyph state={repository.state} size={20} label={null} />
          <div>
            <h2>
              {repository.name}, {repository.stateText}
            </h2>
            <p className={styles.facts}>
              {repository.url} ·{' '}
              {repository.source.tags === null ? repository.branch : `tags ${repository.source.tags}`}
              {repository.checkupAtMs !== null && (
                <>
                  {' '}
                  · looked at <RelativeTime atMs={repository.checkupAtMs} />, every{' '}
                  {formatDuration(repository.polling.everyMs)}
                  {repository.polling.heldUntilMs !== null
                    ? ` (${repository.polling.host} asks for a pause)`
                    : repository.polling.stretch > 1 && ` (${repository.polling.host} allows no more)`}
                </>
              )}
            </p>
            {isByBranch && branchState.rewritten !== null && (
              <p className={styles.facts}>
                History replaced by a forced push <RelativeTime atMs={branchState.rewritten.atMs} />, from{' '}
                <Sha revision={branchState.rewritten.from} /> to <Sha revision={branchState.rewritten.to} />
              </p>
            )}
            {other !== null && branchState.gone === null && (
              <p className={styles.facts}>
                The default branch of the remote is {other} now, no longer {repository.branch}.{' '}
                <Button busy={watch.busy} onClick={() => void watch.run()}>
                  {watchLabel}
                </Button>
              </p>
            )}
          </div>
        </div>
        <div className={styles.actions}>
          <Button icon={<RefreshCw {...icon} />} busy={look.busy} onClick={() => void look.run()}>
            Look now
          </Button>
          <Button icon={<SlidersHorizontal {...icon} />} onClick={onSource}>
            Source
          </Button>
          <Button icon={<Trash2 {...icon} />} onClick={onRemove}>
            Stop watching
          </Button>
          <Button variant="primary" icon={<Hammer {...icon} />} busy={build.busy} onClick={() => void build.run()}>
            Build now
          </Button>
        </div>
      </header>
      <div className={styles.track}>
        <Track stages={repository.track} named hrefOf={stage => stageHref(repository, stage)} />
      </div>
      {error && isGone && <ErrorNotice error={error} onRetry={() => void watch.run()} retryLabel={watchLabel} />}
      {error && !isGone && <ErrorNotice error={error} onRetry={look.error ? () => void look.run() : undefined} />}
    </>
  );
}

function RemoveDialog({
  repository,
  onClose,
}: {
  readonly repository: RepositoryDetail;
  readonly onClose: () => void;
}) {
  const remove = useAction(async () => {
    await client.repositories.remove({ id: repository.id });
    onClose();
    navigate({ view: 'repositories' });
    queries.refetch('overview');
  });
  return (
    <ConfirmDialog
      title={`Stop watching ${repository.name}`}
      onClose={onClose}
      confirmLabel="Stop watching"
      action={remove}
      onConfirm={() => void remove.run()}
    >
      <p className={styles.remove}>
        No new revision is built or released, and a build that runs is cancelled. Machines keep running what they run,
        and what lies in the stores stays there.
      </p>
      {remove.error && <ErrorNotice error={remove.error} />}
    </ConfirmDialog>
  );
}

/** One repository. */
export function RepositoryView({ repositoryId }: { readonly repositoryId: string }) {
  const query = useRepository(repositoryId);
  const [removing, setRemoving] = useState(false);
  const [choosing, setChoosing] = useState(false);
  const repository = query.data;
  if (!repository) {
    if (query.error?.code === 'not_found') {
      return <EmptyState title="This repository is not watched any more">Its machines keep what they run.</EmptyState>;
    }
    return query.error ? <ErrorNotice error={query.error} onRetry={query.refetch} /> : null;
  }
  return (
    <>
      <Header repository={repository} onRemove={() => setRemoving(true)} onSource={() => setChoosing(true)} />
      {choosing && <SourceDialog repository={repository} onClose={() => setChoosing(false)} />}
      <div className={styles.grid}>
        <div>
          <section className={styles.section}>
            <h2>Revisions and jobs</h2>
            <RevisionsAndJobs jobs={repository.jobs} />
          </section>
          <section className={styles.section}>
            <h2>
              Timeline <span className={styles.quiet}>commit to machine, the slowest stage underlined</span>
            </h2>
            <Timeline repositoryId={repository.id} />
          </section>
          <section className={styles.section}>
            <h2>
              Builds <span className={styles.quiet}>what the jobs made</span>
            </h2>
            <Builds builds={repository.builds} />
          </section>
        </div>
        <div className={styles.side}>
          <section className={styles.section}>
            <h2>Channels</h2>
            <Channels repository={repository} />
          </section>
          <section className={styles.section}>
            <h2>Plan {repository.plan && <span className={styles.quiet}>{planOrigin(repository.plan)}</span>}</h2>
            {repository.plan ? (
              <div className={styles.plan}>
                <PlanSteps plan={repository.plan} />
              </div>
            ) : (
              <p className={styles.none}>The plan is made when the first revision is checked out.</p>
            )}
          </section>
          <section className={styles.section}>
            <h2>
              Environment <span className={styles.quiet}>what builds get</span>
            </h2>
            <Environment repositoryId={repository.id} />
          </section>
          <section className={styles.section}>
            <h2>
              Notifications <span className={styles.quiet}>told by the system when</span>
            </h2>
            <Alerts repository={repository} />
          </section>
        </div>
      </div>
      {removing && <RemoveDialog repository={repository} onClose={() => setRemoving(false)} />}
    </>
  );
}
