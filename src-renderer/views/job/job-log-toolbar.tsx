/** Owns the log's toolbar: attempt, search, first error, size, follow, copy, download, raw. */
import { CodeXml, Copy, Download } from 'lucide-react';
import { useState } from 'react';
import { firstErrorOf } from '../../../src-main/contract/first-error.ts';
import type { JobDetail } from '../../../src-main/contract/views/job.ts';
import { client } from '../../client/client.ts';
import { useCommands } from '../../commands/registry.ts';
import { useAction } from '../../state/use-action.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Switch } from '../../ui/field.tsx';
import { formatBytes, plural } from '../../ui/format.ts';
import { Select } from '../../ui/select.tsx';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import text from '../../ui/text.module.css';
import { downloadLog } from './download-log.ts';
import styles from './job-log-pane.module.css';
import { JobLogSearch } from './job-log-search.tsx';
import type { LogFacts, LogFollower } from './log-follower.ts';
import type { LogSearching } from './use-log-search.ts';

export interface JobLogToolbarProps {
  readonly job: JobDetail;
  readonly attempt: number;
  readonly facts: LogFacts;
  readonly raw: boolean;
  readonly following: boolean;
  readonly canFollow: boolean;
  readonly follower: LogFollower;
  readonly search: LogSearching;
  readonly selection: () => string;
  readonly onAttempt: (attempt: number) => void;
  readonly onRaw: (raw: boolean) => void;
  readonly onFirstError: () => void;
  readonly onFollow: (following: boolean) => void;
  readonly onLinks: () => void;
}

const always = () => true;
const icon = { size: 16, strokeWidth: 1.5, 'aria-hidden': true } as const;

/** The toolbar above a log. */
export function JobLogToolbar(props: JobLogToolbarProps) {
  const {
    job,
    attempt,
    facts,
    raw,
    following,
    canFollow,
    follower,
    search,
    selection,
    onAttempt,
    onRaw,
    onFirstError,
    onFollow,
    onLinks,
  } = props;
  const [said, setSaid] = useState('');
  const copy = useAction(async () => {
    const copied = selection() || follower.loadedText();
    await navigator.clipboard.writeText(copied);
    return copied.split('\n').length;
  });
  const download = useAction(() =>
    downloadLog({
      read: (offset, limit) => client.jobs.log({ id: job.id, attempt, offset, limit }),
      name: `${job.repositoryName}-${job.number}-attempt-${attempt}`,
    }),
  );
  const copyNow = async () => {
    const lines = await copy.run();
    if (lines !== undefined) setSaid(`copied ${plural(lines, 'line')}`);
  };
  const downloadNow = async () => {
    setSaid('downloading…');
    const bytes = await download.run();
    setSaid(bytes === undefined ? '' : `downloaded ${formatBytes(bytes)}`);
  };
  const canFindError =
    facts.errorLine !== null ||
    firstErrorOf(job.attempts.find(one => one.attempt === attempt)?.error ?? null) !== null ||
    job.steps.some(step => step.status === 'failed' && step.logOffset !== null);
  useCommands([
    {
      id: 'log.firstError',
      title: 'Show the first error',
      group: 'Do',
      shortcut: 'E',
      isEnabled: () => canFindError && !raw,
      run: onFirstError,
    },
    {
      id: 'log.follow',
      title: 'Follow the log',
      group: 'Do',
      shortcut: 'F',
      isEnabled: () => canFollow,
      run: () => onFollow(!following),
    },
    {
      id: 'log.start',
      title: 'Go to the beginning of the log',
      group: 'Do',
      shortcut: null,
      isEnabled: () => !raw,
      run: () => void follower.goToShare(0),
    },
    {
      id: 'log.end',
      title: 'Go to the end of the log',
      group: 'Do',
      shortcut: null,
      isEnabled: () => !raw,
      run: () => void follower.goToEnd(),
    },
    {
      id: 'log.links',
      title: 'Open an address in sight…',
      group: 'Do',
      shortcut: null,
      isEnabled: () => !raw,
      run: onLinks,
    },
    {
      id: 'log.copy',
      title: 'Copy the log',
      group: 'Do',
      shortcut: null,
      isEnabled: always,
      run: () => void copyNow(),
    },
    {
      id: 'log.download',
      title: 'Download the whole log',
      group: 'Do',
      shortcut: null,
      isEnabled: () => !download.busy,
      run: () => void downloadNow(),
    },
    {
      id: 'log.raw',
      title: raw ? 'Show the log with its colours' : 'Show the log as plain text',
      group: 'Do',
      shortcut: null,
      isEnabled: always,
      run: () => onRaw(!raw),
    },
  ]);
  const failed = copy.error ?? download.error;
  return (
    <div className={styles.bar}>
      {job.attempts.length > 1 && (
        <Select
          label="Attempt"
          value={String(attempt)}
          options={job.attempts.map(one => ({
            value: String(one.attempt),
            label: `Attempt ${one.attempt}`,
            detail: one.outcome,
          }))}
          onChange={value => onAttempt(Number(value))}
        />
      )}
      <JobLogSearch search={search} disabled={raw} />
      {canFindError && (
        <Button
          icon={<StateGlyph state="failed" size={12} label={null} />}
          disabled={raw}
          aria-keyshortcuts="e"
          onClick={onFirstError}
        >
          First error<kbd className={styles.key}>E</kbd>
        </Button>
      )}
      <span className={text.grow} />
      <span className={styles.size} aria-live="polite">
        {failed ? <span className={text.failed}>{failed.message}</span> : said || sizeWords(facts)}
      </span>
      <Switch label="Follow" checked={following && canFollow} disabled={!canFollow} onChange={onFollow} />
      <IconButton label="Copy the selection, or all that is loaded" onClick={() => void copyNow()}>
        <Copy {...icon} />
      </IconButton>
      <IconButton
        label="Download the whole log"
        aria-disabled={download.busy || undefined}
        onClick={() => void downloadNow()}
      >
        <Download {...icon} />
      </IconButton>
      <IconButton label="Plain text" aria-pressed={raw} onClick={() => onRaw(!raw)}>
        <CodeXml {...icon} />
      </IconButton>
    </div>
  );
}

function sizeWords(facts: LogFacts): string {
  if (facts.totalBytes === 0) return '';
  const size = formatBytes(facts.totalBytes);
  // How many lines there are is known where the end is loaded.
  return facts.detached ? size : `${plural((facts.firstLineNumber ?? 1) - 1 + facts.lineCount, 'line')}, ${size}`;
}
