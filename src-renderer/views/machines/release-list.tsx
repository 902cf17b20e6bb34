/** Owns the list of a channel's releases, newest first. */
import type { ReleaseView } from '../../../src-main/contract/views/release.ts';
import { classes } from '../../ui/classes.ts';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { RelativeTime, Sha } from '../../ui/time.tsx';
import styles from './machines-view.module.css';

/** More than this is history, which the repository's page has. */
const mostReleases = 12;

/** The releases of one channel. */
export function ReleaseList({
  channel,
  releases,
}: {
  readonly channel: string;
  readonly releases: readonly ReleaseView[];
}) {
  return (
    <section className={styles.releases} aria-label={`Releases on ${channel}`}>
      <h2>Releases on {channel}</h2>
      {releases.length === 0 && (
        <p className={text.sub}>Nothing was released here yet. Promote a build to make the first release.</p>
      )}
      <table className={classes(table.table, table.slim)}>
        <tbody>
          {releases.slice(0, mostReleases).map(release => (
            <tr key={release.id} className={classes(release.current && styles.currentRelease)}>
              <td className={styles.serial}>{release.serial}</td>
              <td className={styles.sha}>
                <Sha revision={release.revision.revision} />
              </td>
              <td title={release.reason ?? release.revision.subject}>
                {release.kind === 'rollback' && <span className={text.sub}>rollback · </span>}
                {release.revision.subject}
                {release.environmentVersion !== null && (
                  <span className={text.sub}> · environment {release.environmentVersion}</span>
                )}
                {release.reclaimedAtMs !== null && <span className={text.sub}> · reclaimed</span>}
                {release.migration !== null && (
                  <span
                    className={release.migration.state === 'failed' ? text.failed : text.sub}
                    title={release.migration.message ?? ''}
                  >
                    {' '}
                    · migration {release.migration.state}
                  </span>
                )}
                {release.rollout !== null && release.rollout.state !== 'done' && (
                  <span
                    className={release.rollout.state === 'stopped' ? text.failed : text.sub}
                    title={release.rollout.message ?? ''}
                  >
                    {' '}
                    · rollout {release.rollout.wave + 1} of {release.rollout.waves.length}
                    {release.rollout.state === 'stopped' && ', stopped'}
                  </span>
                )}
                {release.current && <span className={text.hidden}>, current</span>}
              </td>
              <td className={classes(table.num, text.sub, styles.when)}>
                <RelativeTime atMs={release.createdAtMs} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
