/** Owns the list of what a job's steps found in their environment: names and where each comes from. */
import type { JobDetail } from '../../../src-main/contract/views/job.ts';
import { client } from '../../client/client.ts';
import { useQuery } from '../../state/use-query.ts';
import { classes } from '../../ui/classes.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { environmentNames } from './job-environment-model.ts';
import styles from './job-tests.module.css';

/** Names only: what they hold is in the repository's settings, and secrets are nowhere. */
export function JobEnvironment({ job }: { readonly job: JobDetail }) {
  const { repositoryId } = job;
  const own = useQuery(
    `environment:${repositoryId}`,
    () => client.environment.get({ repositoryId }),
    ['repository', 'job'],
    { repositoryId },
  );
  const names = environmentNames(job, own.data);
  if (names === null) return <EmptyState title="No plan yet">The plan is made when the job starts.</EmptyState>;
  return (
    <section className={styles.tests} aria-label="Environment">
      {own.error && <ErrorNotice error={own.error} onRetry={own.refetch} />}
      {names.length === 0 ? (
        <p>Neither the repository nor the plan of this job sets anything.</p>
      ) : (
        <table className={classes(table.table, table.slim)} aria-label="Names in the environment">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Set by</th>
              <th scope="col">For</th>
            </tr>
          </thead>
          <tbody>
            {names.map(({ name, origin, step }) => (
              <tr key={`${name} ${origin} ${step}`}>
                <td className={text.mono} title={name}>
                  {name}
                </td>
                <td>{origin}</td>
                <td title={step ?? undefined}>{step ?? 'every step'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p className={text.sub}>
        The lower one of a name wins. Steps also get PATH, HOME and the like of the machine, and CI, SLIPWAY and
        FORCE_COLOR. Values of secrets are never shown.
      </p>
    </section>
  );
}
