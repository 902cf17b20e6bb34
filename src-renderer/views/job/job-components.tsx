/** Owns what the SBOM of a job's build lists, in numbers, and its download. */
import type { JobDetail } from '../../../src-main/contract/views/job.ts';
import { client } from '../../client/client.ts';
import { useAction } from '../../state/use-action.ts';
import { useQuery } from '../../state/use-query.ts';
import { Button } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { formatBytes, formatCount } from '../../ui/format.ts';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import styles from './job-tests.module.css';
import { saveFile } from './save-file.ts';

/** The components of the newest build of a job. */
export function JobComponents({ job }: { readonly job: JobDetail }) {
  const buildId = job.build?.id ?? null;
  const found = useQuery(`sbom:${buildId}`, () => client.builds.components({ id: buildId ?? job.id }), [], {
    enabled: buildId !== null,
  });
  const download = useAction(async () => {
    const { document } = await client.builds.sbom({ id: buildId ?? job.id });
    saveFile(`job-${job.number}.sbom.json`, new Blob([document], { type: 'application/vnd.cyclonedx+json' }));
  });
  if (buildId === null) {
    return <EmptyState title="No build yet">The components are listed when the job has succeeded.</EmptyState>;
  }
  if (found.error && !found.data) return <ErrorNotice error={found.error} onRetry={found.refetch} />;
  if (!found.data) return <EmptyState title="Loading the components" />;
  const { componentCount, types, unread, sizeBytes, digest } = found.data;
  return (
    <section className={styles.tests} aria-label="Components">
      <p>
        {componentCount === 0
          ? 'No lock file of the sources names a package.'
          : `${formatCount(componentCount)} packages that the lock files of the sources name.`}
      </p>
      {types.length > 0 && (
        <table className={classes(table.table, table.slim)} aria-label="Components by registry">
          <thead>
            <tr>
              <th scope="col">Type</th>
              <th className={table.num} scope="col">
                Packages
              </th>
            </tr>
          </thead>
          <tbody>
            {types.map(({ type, count }) => (
              <tr key={type}>
                <td>{type}</td>
                <td className={table.num}>{formatCount(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {unread.map(problem => (
        <p key={problem}>Not read: {problem}</p>
      ))}
      {download.error && <ErrorNotice error={download.error} />}
      <Button busy={download.busy} onClick={() => void download.run()}>
        Download the SBOM
      </Button>
      <p className={text.sub}>
        CycloneDX 1.6, {formatBytes(sizeBytes)}, sha256 <span className={text.mono}>{digest.slice(0, 12)}</span> in the
        signed build record. What steps fetch beside the lock files is not in it.
      </p>
    </section>
  );
}
