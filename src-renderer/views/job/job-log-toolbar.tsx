/** Owns the log's toolbar: attempt, first error, size, follow, copy, download, raw. */
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
import type { LogFacts, LogFollower } from './log-follower.ts';

export interface JobLogToolbarProps {
  readonly job: JobDetail;
  readonly attempt: number;
  readonly facts: LogFacts;
  readonly raw: boolean;
  readonly following: boolean;
  readonly canFollow: boolean;
  readonly follower: LogFollower;
  readonly selection: () => string;
  readonly onAttempt: (attempt: number) => void;
  readonly onRaw: (raw: boolean) => void;
  readonly onFirstError: () => void;
  readonly onFollow: (following: boolean) => void;
}

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
    selection,
    onAttempt,
    onRaw,
    onFirstError,
    onFollow,
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
      <Button
        icon={<StateGlyph state="failed" size={12} label={null} />}
        disabled={!canFindError || raw}
        aria-keyshortcuts="e"
        onClick={onFirstError}
      >
        First error<kbd className={styles.key}>E</kbd>
      </Button>
      <span className={text.grow} />
      <span className={styles.size} aria-live="polite">
        {failed ? <span className={text.failed}>{failed.message}</span> : said || sizeWords(facts)}
      </span>
      <Switch label="Follow" checked={following && canFollow} disabled={!canFollow} onChange={onFollow} />
      <IconButton
        label="Copy the selection, or all that is loaded"
        onClick={async () => {
          const lines = await copy.run();
          if (lines !== undefined) setSaid(`copied ${plural(lines, 'line')}`);
        }}
      >
        <Copy {...icon} />
      </IconButton>
      <IconButton
        label="Download the whole log"
        aria-disabled={download.busy || undefined}
        onClick={async () => {
          setSaid('downloading…');
          const bytes = await download.run();
          setSaid(bytes === undefined ? '' : `downloaded ${formatBytes(bytes)}`);
        }}
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
  if (facts.loadedFrom > 0 || facts.detached) return `${formatBytes(facts.loadedTo - facts.loadedFrom)} of ${size}`;
  return `${plural(facts.lineCount, 'line')}, ${size}`;
}
