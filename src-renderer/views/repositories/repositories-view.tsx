/** Owns the list of repositories: what is watched, where from, and when it was last looked at. */
import { Plus } from 'lucide-react';
import { memo } from 'react';
import type { RepositoryRow } from '../../../src-main/contract/views/repository.ts';
import { runCommand } from '../../commands/registry.ts';
import { routeHref } from '../../state/route.ts';
import { useOverview, useStatus } from '../../state/shared-queries.ts';
import { Button } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { formatDuration, plural } from '../../ui/format.ts';
import { BodyInSight, type RowInSightProps } from '../../ui/rows-in-sight.tsx';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { RelativeTime, Sha } from '../../ui/time.tsx';
import styles from './repositories.module.css';

/** Pixels of `--row-height-board` and the hairline above it. */
const rowHeight = 45;
const columns = 6;

/** Drawn again only when its repository changes: each step of a scroll draws the list. */
const Row = memo(function Row({ row, index, measure }: RowInSightProps<RepositoryRow>) {
  const job = row.latestJob;
  return (
    <tr ref={measure} data-index={index} aria-rowindex={index + 2}>
      <td className={table.state}>
        <StateGlyph state={row.state} label={null} />
      </td>
      <td className={styles.name}>
        <a className={classes(styles.line, text.name)} href={routeHref({ view: 'repository', repositoryId: row.id })}>
          {row.name}
        </a>
        <span className={classes(styles.line, text[row.state], text.sub)}>{row.stateText}</span>
      </td>
      <td>
        <span className={classes(styles.line, text.mono)} title={row.url}>
          {row.url}
        </span>
        {row.pollError && (
          <span className={classes(styles.line, text.sub, text.failed)} title={row.pollError.message}>
            {row.pollError.message}
          </span>
        )}
      </td>
      <td className={styles.branch} title={row.branch}>
        {row.branch}
      </td>
      <td>
        {job ? (
          <>
            <span className={styles.line} title={job.revision.subject}>
              {job.revision.subject}
            </span>
            <span className={classes(styles.line, text.sub)} title={job.revision.authorName}>
              <Sha revision={job.revision.revision} /> · {job.revision.authorName}
            </span>
          </>
        ) : (
          <span className={text.sub}>no revision yet</span>
        )}
      </td>
      <td className={classes(table.num, table.last, styles.checked, text.sub)}>
        {row.checkupAtMs === null ? 'not yet' : <RelativeTime atMs={row.checkupAtMs} />}
      </td>
    </tr>
  );
});

/** One collator for all comparisons: `localeCompare` makes its own each time. */
const byName = new Intl.Collator();

function List({ rows }: { readonly rows: readonly RepositoryRow[] }) {
  return (
    <table className={classes(table.table, table.two, styles.list)} aria-rowcount={rows.length + 1}>
      <thead>
        <tr aria-rowindex={1}>
          <th className={table.state} scope="col">
            <span className={text.hidden}>State</span>
          </th>
          <th className={styles.name} scope="col">
            Repository
          </th>
          <th scope="col">Source</th>
          <th className={styles.branch} scope="col">
            Branch
          </th>
          <th scope="col">Last revision</th>
          <th className={classes(table.num, table.last, styles.checked)} scope="col">
            Looked at
          </th>
        </tr>
      </thead>
      <BodyInSight rows={rows} rowHeight={rowHeight} columns={columns} Row={Row} />
    </table>
  );
}

/** The list. */
export function RepositoriesView() {
  const overview = useOverview();
  const polling = useStatus().data?.polling;
  const rows = overview.data?.repositories;
  if (!rows) return overview.error ? <ErrorNotice error={overview.error} onRetry={overview.refetch} /> : null;
  const add = (
    <Button icon={<Plus size={14} strokeWidth={1.5} aria-hidden />} onClick={() => runCommand('repositories.add')}>
      Add a repository
    </Button>
  );
  if (rows.length === 0) {
    return (
      <EmptyState
        title="No repository is watched"
        actions={
          <Button
            variant="primary"
            icon={<Plus size={14} strokeWidth={1.5} aria-hidden />}
            onClick={() => runCommand('repositories.add')}
          >
            Add a repository
          </Button>
        }
      >
        Give Slipway a URL or a path. Every new revision of its branch is built here and taken to your machines.
      </EmptyState>
    );
  }
  const sorted = [...rows].sort((left, right) => byName.compare(left.name, right.name));
  return (
    <>
      <div className={styles.bar}>
        <span className={styles.words}>
          {plural(rows.length, 'repository', 'repositories')}
          {polling && `, each looked at every ${formatDuration(polling.intervalMs)}`}
        </span>
        {add}
      </div>
      <List rows={sorted} />
    </>
  );
}
