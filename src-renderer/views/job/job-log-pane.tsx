/** Owns the pane of the live log: its toolbar, the terminal, and a line that says what is shown. */
import { useEffect, useRef, useState } from 'react';
import { firstErrorOf } from '../../../src-main/contract/first-error.ts';
import type { JobDetail } from '../../../src-main/contract/views/job.ts';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { formatBytes, formatCount } from '../../ui/format.ts';
import { LogTerminal, type LogTerminalHandle, type LogTerminalView } from '../../ui/log-terminal.tsx';
import text from '../../ui/text.module.css';
import { RelativeTime } from '../../ui/time.tsx';
import styles from './job-log-pane.module.css';
import { JobLogToolbar } from './job-log-toolbar.tsx';
import { stepOfLine } from './job-model.ts';
import { LogLinkDialog } from './log-link-dialog.tsx';
import { currentMatch, matchShares } from './log-search-model.ts';
import { LogStrip } from './log-strip.tsx';
import { useJobLog } from './use-job-log.ts';
import { useLogSearch } from './use-log-search.ts';

/** A place that was asked for; `turn` tells two requests for the same one apart. */
export interface ShowRequest {
  /** Where a step begins, in bytes of the log. */
  readonly place: number | 'first-error';
  readonly turn: number;
}

export interface JobLogPaneProps {
  readonly job: JobDetail;
  readonly attempt: number;
  readonly request: ShowRequest | null;
  readonly onAttempt: (attempt: number) => void;
  readonly onFirstError: () => void;
  /** Tells which step's output is in sight. */
  readonly onStep: (index: number | null) => void;
}

/** The log of one attempt. Key it by job and attempt. */
export function JobLogPane({ job, attempt, request, onAttempt, onFirstError, onStep }: JobLogPaneProps) {
  const terminal = useRef<LogTerminalHandle>(null);
  const { facts, follower, error, reclaimedAtMs, refetch } = useJobLog(job, attempt, terminal);
  const [view, setView] = useState<LogTerminalView | null>(null);
  const [raw, setRaw] = useState(false);
  const [links, setLinks] = useState<readonly string[] | null>(null);
  const running = attempt === job.attempt && job.status === 'running';

  useEffect(() => {
    if (request?.place === 'first-error') void follower.goToFirstError();
    else if (request) void follower.goToStep(request.place);
  }, [request, follower]);

  const atTop = view?.atTop ?? false;
  const atBottom = view?.atBottom ?? true;
  useEffect(() => {
    if (facts.detached && atBottom) void follower.loadLater();
  }, [facts, atBottom, follower]);

  const loading = useRef(false);
  const goBeyond = async (where: 'before' | 'start' | 'end') => {
    // A wheel turns many times while one part is read.
    if (loading.current) return;
    loading.current = true;
    try {
      if (where === 'end') await follower.goToEnd();
      else if (where === 'start') await follower.goToShare(0);
      else await follower.loadEarlier();
    } finally {
      loading.current = false;
    }
  };

  const search = useLogSearch({
    jobId: job.id,
    attempt,
    totalBytes: facts.totalBytes,
    fromLine: () => (facts.firstLineNumber ?? 1) + (view?.firstLine ?? 0),
    onShow: match => void follower.goToLine(match.line, match.offset),
  });
  const match = search.state === null ? null : currentMatch(search.state);
  const errorOffset = firstErrorOf(job.attempts.find(one => one.attempt === attempt)?.error ?? null)?.logOffset ?? null;

  const firstLine = view?.firstLine ?? null;
  const step = firstLine === null ? null : stepOfLine(job.steps, firstLine, offset => follower.lineOfOffset(offset));
  useEffect(() => onStep(step), [step, onStep]);

  const following = atBottom && !facts.detached;
  return (
    <section className={styles.pane} aria-label={`Log of attempt ${attempt}`}>
      <JobLogToolbar
        job={job}
        attempt={attempt}
        facts={facts}
        raw={raw}
        following={running && following}
        canFollow={running && !raw}
        follower={follower}
        search={search}
        selection={() => terminal.current?.selection ?? ''}
        onAttempt={onAttempt}
        onRaw={setRaw}
        onFirstError={onFirstError}
        onFollow={on => (on ? void follower.goToEnd() : terminal.current?.holdStill())}
        onLinks={() => setLinks(terminal.current?.links() ?? [])}
      />
      {error && <ErrorNotice error={error} onRetry={refetch} retryLabel="Read it again" />}
      {facts.loadedFrom > 0 && atTop && !raw && (
        <button type="button" className={styles.earlier} onClick={() => void follower.loadEarlier()}>
          Show earlier output ({formatBytes(facts.loadedFrom)} before this)
        </button>
      )}
      <div className={raw ? styles.hidden : styles.screen}>
        <LogTerminal
          ref={terminal}
          label={`Log of job ${job.number}, attempt ${attempt}, read only`}
          firstLineNumber={facts.firstLineNumber}
          errorLine={facts.errorLine}
          foundLine={match === null ? null : follower.lineOfNumber(match.line)}
          mark={search.mark}
          onView={setView}
          onLink={url => setLinks([url])}
          onBeyond={where => void goBeyond(where)}
        />
        {facts.totalBytes > 0 && (
          <LogStrip
            from={facts.loadedFrom / facts.totalBytes}
            to={facts.loadedTo / facts.totalBytes}
            matches={search.state === null ? [] : matchShares(search.state, 200)}
            error={errorOffset === null ? null : errorOffset / facts.totalBytes}
            onGo={share => void follower.goToShare(share)}
          />
        )}
      </div>
      {raw && (
        <pre
          className={styles.raw}
          role="log"
          aria-label={`Text of job ${job.number}, attempt ${attempt}`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
          tabIndex={0}
        >
          {follower.loadedText()}
        </pre>
      )}
      {links !== null && <LogLinkDialog urls={links} onClose={() => setLinks(null)} />}
      <footer className={styles.foot}>
        <span>
          {reclaimedAtMs === null ? (
            footWords(job, running, following, raw, facts.detached)
          ) : (
            <>
              The log was reclaimed <RelativeTime atMs={reclaimedAtMs} /> to free space. Steps and times are kept.
            </>
          )}
        </span>
        {!following && !raw && (
          <button type="button" className={styles.toEnd} onClick={() => void follower.goToEnd()}>
            Go to the end
          </button>
        )}
        <span className={text.grow} />
        <span>{range(facts.firstLineNumber, view)}</span>
      </footer>
    </section>
  );
}

function footWords(job: JobDetail, running: boolean, following: boolean, raw: boolean, detached: boolean): string {
  if (raw) return 'Plain text of what is loaded, without colours.';
  if (running) return following ? 'Following the newest line.' : 'Paused here; the job goes on below.';
  if (detached) return 'Part of the log: more is below.';
  if (job.status === 'queued') return 'The job waits for a worker.';
  return 'Follow is off: the job has ended.';
}

function range(firstLineNumber: number | null, view: LogTerminalView | null): string {
  if (firstLineNumber === null || view?.firstLine == null || view.lastLine === null) return '';
  return `lines ${formatCount(firstLineNumber + view.firstLine)}–${formatCount(firstLineNumber + view.lastLine)}`;
}
