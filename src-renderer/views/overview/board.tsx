/** Owns the board: one row per repository, worst first, with its track and what its channels run. */
import { type KeyboardEvent, memo } from 'react';
import type { ChannelSummary } from '../../../src-main/contract/views/release.ts';
import type { RepositoryRow } from '../../../src-main/contract/views/repository.ts';
import { routeHref } from '../../state/route.ts';
import { classes } from '../../ui/classes.ts';
import { BodyInSight, type RowInSightProps } from '../../ui/rows-in-sight.tsx';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { RelativeTime, Sha } from '../../ui/time.tsx';
import { Track } from '../../ui/track.tsx';
import { stageNames } from '../../ui/track-model.ts';
import styles from './overview.module.css';
import { channelMark, stageHref } from './overview-model.ts';

/** Channels of one row; the repository's own view has them all. */
const mostChannels = 2;
/** Pixels of `--row-height-board` and the hairline above it. */
const rowHeight = 45;
const columns = 5;

function Channel({ channel, repositoryId }: { readonly channel: ChannelSummary; readonly repositoryId: string }) {
  const mark = channelMark(channel);
  return (
    <div className={styles.channel}>
      <span className={styles.channelName} title={channel.name}>
        {channel.name}
      </span>
      <a className={styles.serial} href={routeHref({ view: 'repository', repositoryId })}>
        {channel.serial ?? '–'}
      </a>
      {channel.revision ? <Sha revision={channel.revision} /> : <span className={text.sub}>none</span>}
      {mark && (
        <span title={mark.words}>
          <StateGlyph state={mark.state} size={12} progress={mark.progress} label={mark.words} />
        </span>
      )}
    </div>
  );
}

function Revision({ row }: { readonly row: RepositoryRow }) {
  const job = row.latestJob;
  if (row.pollError && !job)
    return (
      <span className={classes(styles.line, text.failed)} title={row.pollError.message}>
        {row.pollError.message}
      </span>
    );
  if (!job) return <span className={text.sub}>no revision yet</span>;
  return (
    <>
      <span className={styles.line} title={job.revision.subject}>
        {job.revision.subject}
      </span>
      {row.pollError ? (
        <span className={classes(styles.line, text.sub, text.failed)} title={row.pollError.message}>
          {row.pollError.message}
        </span>
      ) : (
        <span className={classes(styles.line, text.sub)} title={job.revision.authorName}>
          <Sha revision={job.revision.revision} /> · {job.revision.authorName} ·{' '}
          <RelativeTime atMs={job.revision.committedAtMs ?? job.queuedAtMs} />
        </span>
      )}
    </>
  );
}

/** Drawn again only when its repository changes: each step of a scroll draws the board. */
const Row = memo(function Row({ row, index, measure }: RowInSightProps<RepositoryRow>) {
  return (
    <tr ref={measure} data-index={index} aria-rowindex={index + 2}>
      <td className={table.state}>
        <StateGlyph state={row.state} label={row.stateText} />
      </td>
      <td className={styles.repository}>
        <a
          className={classes(styles.line, text.name)}
          title={row.name}
          href={routeHref({ view: 'repository', repositoryId: row.id })}
          data-board-row
        >
          {row.name}
        </a>
        <span className={classes(styles.line, text.sub)} title={row.branch}>
          {row.branch}
          {row.moreWaiting > 0 && ` · ${row.moreWaiting} more ${row.moreWaiting === 1 ? 'waits' : 'wait'}`}
        </span>
      </td>
      <td className={styles.revision}>
        <Revision row={row} />
      </td>
      <td>
        <Track stages={row.track} hrefOf={stage => stageHref(row, stage)} />
      </td>
      <td className={styles.channels}>
        {row.channels.slice(0, mostChannels).map(channel => (
          <Channel key={channel.id} channel={channel} repositoryId={row.id} />
        ))}
      </td>
    </tr>
  );
});

/** Arrow keys go from row to row; Tab goes through what is inside one. */
function stepRows(event: KeyboardEvent<HTMLTableElement>): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  if (step === 0) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLAnchorElement>('[data-board-row]')];
  const row = event.target instanceof Element ? event.target.closest('tr') : null;
  const next = links[links.findIndex(link => row?.contains(link)) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

/** The board. `rows` come in the order in which they are shown. */
export function Board({ rows }: { readonly rows: readonly RepositoryRow[] }) {
  return (
    <table className={classes(table.table, styles.board)} aria-rowcount={rows.length + 1} onKeyDown={stepRows}>
      <thead>
        <tr aria-rowindex={1}>
          <th className={table.state} scope="col">
            <span className={text.hidden}>State</span>
          </th>
          <th className={styles.repository} scope="col">
            Repository
          </th>
          <th className={styles.revision} scope="col">
            Last revision
          </th>
          <th scope="col">
            <div className={styles.stages}>
              {stageNames.map(stage => (
                <span key={stage}>{stage}</span>
              ))}
            </div>
          </th>
          <th className={styles.channels} scope="col">
            Channels
          </th>
        </tr>
      </thead>
      <BodyInSight rows={rows} rowHeight={rowHeight} columns={columns} Row={Row} />
    </table>
  );
}
