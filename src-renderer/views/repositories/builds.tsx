/** Owns the builds of a repository: what each weighs and how many regions hold it. */
import type { BuildView } from '../../../src-main/contract/views/build.ts';
import { routeHref } from '../../state/route.ts';
import { classes } from '../../ui/classes.ts';
import { formatBytes, formatCount, shortDigest } from '../../ui/format.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { RelativeTime, Sha } from '../../ui/time.tsx';
import styles from './repository.module.css';

/** The builds, newest first. */
export function Builds({ builds }: { readonly builds: readonly BuildView[] }) {
  if (builds.length === 0) return <p className={styles.none}>Nothing has been built yet.</p>;
  return (
    <table className={table.table}>
      <thead>
        <tr>
          <th className={table.state} scope="col">
            <span className={text.hidden}>Replication</span>
          </th>
          <th className={styles.sha} scope="col">
            Revision
          </th>
          <th scope="col">Artifact</th>
          <th className={classes(table.num, styles.size)} scope="col">
            Tree
          </th>
          <th className={classes(table.num, styles.size)} scope="col">
            Pack
          </th>
          <th className={classes(table.num, styles.regions)} scope="col">
            Regions
          </th>
          <th className={classes(table.num, table.last, styles.when)} scope="col">
            Stored
          </th>
        </tr>
      </thead>
      <tbody>
        {builds.map(build => {
          const gone = build.reclaimedAtMs !== null;
          const complete = build.regionsVerified >= build.regionsTotal;
          return (
            <tr key={build.id}>
              <td className={table.state}>
                {gone ? (
                  <StateGlyph state="pending" label="reclaimed" />
                ) : (
                  <StateGlyph
                    state={complete ? 'verified' : 'running'}
                    progress={complete ? null : build.regionsVerified / build.regionsTotal}
                    label={complete ? 'verified in every region' : 'on its way'}
                  />
                )}
              </td>
              <td className={styles.sha}>
                <a href={routeHref({ view: 'job', jobId: build.jobId })}>
                  <Sha revision={build.revision.revision} />
                </a>
              </td>
              <td>
                <span className={text.mono} title={build.artifactId}>
                  {shortDigest(build.artifactId)}
                </span>{' '}
                <span className={text.sub}>
                  {formatCount(build.fileCount)} files · {build.platform}
                  {gone && ' · reclaimed'}
                  {build.pinnedAtMs !== null && ' · pinned'}
                </span>
              </td>
              <td className={classes(table.num, styles.size)}>{formatBytes(build.treeSizeBytes)}</td>
              <td className={classes(table.num, styles.size)}>{formatBytes(build.sizeBytes)}</td>
              <td className={classes(table.num, styles.regions)}>
                <a href={routeHref({ view: 'regions' })}>
                  {gone ? '–' : `${build.regionsVerified}/${build.regionsTotal}`}
                </a>
              </td>
              <td className={classes(table.num, table.last, styles.when, text.sub)}>
                <RelativeTime atMs={build.createdAtMs} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
