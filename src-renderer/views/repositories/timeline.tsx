/** Owns the commit-to-machine timeline of a repository: the time of each stage by revision, medians, and the slowest marked. */
import { Fragment, useState } from 'react';
import type { RevisionTimeline, Timeline as Times } from '../../../src-main/contract/timeline.ts';
import { client } from '../../client/client.ts';
import { routeHref } from '../../state/route.ts';
import { useQuery } from '../../state/use-query.ts';
import { classes } from '../../ui/classes.ts';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { formatDuration } from '../../ui/format.ts';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { Sha } from '../../ui/time.tsx';
import styles from './timeline.module.css';

const stageNames = ['Commit', 'Queue', 'Build', 'Store', 'Regions', 'Machines'] as const;
const shownRevisions = 20;

/** The timeline of one repository. */
export function Timeline({ repositoryId }: { readonly repositoryId: string }) {
  const query = useQuery(
    `timeline:${repositoryId}`,
    () => client.repositories.timeline({ id: repositoryId, limit: shownRevisions }),
    ['job', 'build', 'replica', 'release', 'machine'],
    { repositoryId },
  );
  const times = query.data;
  if (!times) return query.error ? <ErrorNotice error={query.error} onRetry={query.refetch} /> : null;
  if (times.revisions.length === 0) return <p className={styles.none}>No revision is on its way yet.</p>;
  return (
    <table className={classes(table.table, styles.table)}>
      <thead>
        <tr>
          <th scope="col" className={styles.revision}>
            Revision
          </th>
          {stageNames.map(name => (
            <th key={name} scope="col" className={table.num}>
              {name}
            </th>
          ))}
          <th scope="col" className={classes(table.num, table.last)}>
            In all
          </th>
        </tr>
      </thead>
      <tbody>
        <Medians times={times} />
        {times.revisions.map(revision => (
          <Revision key={revision.jobId} revision={revision} />
        ))}
      </tbody>
    </table>
  );
}

function Cell({
  ms,
  slowest,
  last = false,
}: {
  readonly ms: number | null;
  readonly slowest: boolean;
  readonly last?: boolean;
}) {
  return (
    <td className={classes(table.num, last && table.last, slowest && styles.slowest)}>
      {ms === null ? '–' : formatDuration(ms, { tenths: true })}
      {slowest && <span className={text.hidden}>, the slowest</span>}
    </td>
  );
}

function Medians({ times: { medians, medianTotalMs, slowest } }: { readonly times: Times }) {
  return (
    <tr className={styles.medians}>
      <th scope="row" className={styles.revision}>
        Median
      </th>
      {medians.map(({ stage, durationMs }) => (
        <Cell key={stage} ms={durationMs} slowest={stage === slowest} />
      ))}
      <Cell ms={medianTotalMs} slowest={false} last />
    </tr>
  );
}

function Revision({ revision }: { readonly revision: RevisionTimeline }) {
  const [open, setOpen] = useState(false);
  const parts = [...revision.regions, ...revision.machines];
  return (
    <Fragment>
      <tr>
        <th scope="row" className={styles.revision}>
          <a href={routeHref({ view: 'job', jobId: revision.jobId })} title={revision.revision.subject}>
            <Sha revision={revision.revision.revision} />
          </a>
          {parts.length > 0 && (
            <button
              type="button"
              className={styles.more}
              aria-expanded={open}
              aria-label={`each region and machine of job ${revision.number}`}
              onClick={() => setOpen(!open)}
            >
              each
            </button>
          )}
        </th>
        {revision.stages.map(({ stage, durationMs }) => (
          <Cell key={stage} ms={durationMs} slowest={stage === revision.slowest} />
        ))}
        <Cell ms={revision.totalMs} slowest={false} last />
      </tr>
      {open && (
        <tr>
          <td colSpan={8} className={styles.parts}>
            <Parts title="Regions, since it was stored" parts={revision.regions} />
            <Parts
              title="Machines, since its release"
              parts={revision.machines.map(({ name, channel, serial, durationMs }) => ({
                name: `${name} (${channel} ${serial})`,
                durationMs,
              }))}
            />
          </td>
        </tr>
      )}
    </Fragment>
  );
}

function Parts({ title, parts }: { readonly title: string; readonly parts: RevisionTimeline['regions'] }) {
  if (parts.length === 0) return null;
  return (
    <>
      <h3 className={styles.partsTitle}>{title}</h3>
      <ul className={styles.list}>
        {parts.map(({ name, durationMs }) => (
          <li key={name}>
            {name} <b>{durationMs === null ? 'not yet' : formatDuration(durationMs, { tenths: true })}</b>
          </li>
        ))}
      </ul>
    </>
  );
}
