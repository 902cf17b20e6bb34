/** Owns the top of a job's page: state, number, attempt, worker, times, revision, and the buttons that end or renew it. */
import { RotateCw, X } from 'lucide-react';
import { drillRepositoryId } from '../../../src-main/contract/drill.ts';
import { describeIsolation } from '../../../src-main/contract/isolation.ts';
import type { JobDetail } from '../../../src-main/contract/views/job.ts';
import { jobState, jobWords } from '../../state/job-words.ts';
import { routeHref } from '../../state/route.ts';
import { Button } from '../../ui/button.tsx';
import { useNow } from '../../ui/clock.ts';
import { formatBytes } from '../../ui/format.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import text from '../../ui/text.module.css';
import { AheadTime, ClockTime, Elapsed, RelativeTime, Sha } from '../../ui/time.tsx';
import { WaitingWords } from '../jobs/waiting-words.tsx';
import { BuildKeeping } from './build-keeping.tsx';
import { jobActions, jobHeading } from './job-model.ts';
import styles from './job-view.module.css';

export interface JobHeaderProps {
  readonly job: JobDetail;
  readonly busy: boolean;
  readonly onCancel: () => void;
  readonly onRetry: () => void;
}

/** The header of a job. */
export function JobHeader({ job, busy, onCancel, onRetry }: JobHeaderProps) {
  const actions = jobActions(job);
  // A failure has a banner of its own with the retry in it.
  const retryHere = actions.retry && (job.status === 'cancelled' || job.status === 'succeeded');
  return (
    <header className={styles.header}>
      <div className={styles.title}>
        <StateGlyph state={jobState(job.status)} size={20} label={job.status} />
        <div className={styles.words}>
          <h2>{jobHeading(job)}</h2>
          <Facts job={job} />
        </div>
      </div>
      <div className={styles.revision}>
        <div className={text.one}>
          {job.repositoryId === drillRepositoryId ? (
            <span className={text.name}>{job.repositoryName}</span>
          ) : (
            <a className={text.name} href={routeHref({ view: 'repository', repositoryId: job.repositoryId })}>
              {job.repositoryName}
            </a>
          )}{' '}
          <span className={text.sub}>{job.branch}</span> <Sha revision={job.revision.revision} />{' '}
          <span className={text.sub}>{job.revision.authorName}</span>
        </div>
        <div className={text.one} title={job.revision.subject}>
          {job.revision.subject}
        </div>
      </div>
      {(actions.cancel || retryHere) && (
        <div className={styles.headerActions}>
          {actions.cancel && (
            <Button icon={<X size={14} strokeWidth={1.5} aria-hidden />} busy={busy} onClick={onCancel}>
              Cancel job
            </Button>
          )}
          {retryHere && (
            <Button icon={<RotateCw size={14} strokeWidth={1.5} aria-hidden />} busy={busy} onClick={onRetry}>
              {job.status === 'succeeded' ? 'Build again' : `Retry as attempt ${job.attempt + 1}`}
            </Button>
          )}
        </div>
      )}
    </header>
  );
}

function Facts({ job }: { readonly job: JobDetail }) {
  const nowMs = useNow();
  const isolation = job.attempts.at(-1)?.isolation;
  return (
    <p className={styles.facts}>
      Job {job.number}
      {job.attempt > 0 && ` · attempt ${job.attempt}`}
      {job.workerName && ` · ${job.workerName}`}
      {isolation && ` · ${describeIsolation(isolation)}`} · queued <ClockTime atMs={job.queuedAtMs} />
      {job.status === 'queued' && ` · ${jobWords(job)}`}
      <WaitingWords job={job} before=" · " />
      {job.finishedAtMs !== null && (
        <>
          {' · ended '}
          <ClockTime atMs={job.finishedAtMs} />, <RelativeTime atMs={job.finishedAtMs} />
        </>
      )}
      {job.startedAtMs !== null && (
        <>
          {job.finishedAtMs === null ? ' · for ' : ' · took '}
          <Elapsed startedAtMs={job.startedAtMs} finishedAtMs={job.finishedAtMs} />
        </>
      )}
      {/* An expectation that was missed says nothing. */}
      {job.etaMs !== null && job.etaMs > nowMs && (
        <>
          {job.status === 'queued' ? ' · starts ' : ' · done '}
          <AheadTime atMs={job.etaMs} />
        </>
      )}
      {job.build && (
        <span title={`artifact ${job.build.artifactId}`}>
          {` · ${formatBytes(job.build.treeSizeBytes)}, packed ${formatBytes(job.build.sizeBytes)}`}
        </span>
      )}
      {job.build && <BuildKeeping build={job.build} />}
    </p>
  );
}
