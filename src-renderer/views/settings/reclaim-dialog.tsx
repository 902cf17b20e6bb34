/** Owns the confirmation of a reclaim: all that would be deleted, and why the rest is kept. */
import { client } from '../../client/client.ts';
import { queries } from '../../state/queries.ts';
import { useAction } from '../../state/use-action.ts';
import { useQuery } from '../../state/use-query.ts';
import { Button } from '../../ui/button.tsx';
import { DockedDialog } from '../../ui/dialog.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { formatBytes, plural } from '../../ui/format.ts';
import styles from './disk.module.css';
import { hasWork, packWords } from './disk-model.ts';

/** Shows the plan, and deletes of packs exactly those that it lists. Tells what was done. */
export function ReclaimDialog({
  onClose,
  onDone,
}: {
  readonly onClose: () => void;
  readonly onDone: (result: Awaited<ReturnType<typeof client.disk.reclaim>>) => void;
}) {
  const plan = useQuery('disk:plan', () => client.disk.plan(), ['build', 'release', 'repository']);
  const reclaim = useAction(async (packs: string[]) => {
    const result = await client.disk.reclaim({ packs });
    queries.refetch('disk');
    onDone(result);
  });
  const shown = plan.data;
  return (
    <DockedDialog
      title="Reclaim disk space"
      kind="confirm"
      wide
      onClose={onClose}
      footerNote={shown && `${formatBytes(shown.sizeBytes)} to get back`}
      footer={
        shown &&
        hasWork(shown) && (
          <Button
            variant="primary"
            busy={reclaim.busy}
            onClick={() => void reclaim.run(shown.reclaim.map(pack => pack.digest))}
          >
            Delete what is listed
          </Button>
        )
      }
    >
      {plan.error && <ErrorNotice error={plan.error} onRetry={plan.refetch} />}
      {reclaim.error && <ErrorNotice error={reclaim.error} />}
      {shown && (
        <div className={styles.plan}>
          <h3 className={styles.heading}>Is deleted, here and in every region</h3>
          {!hasWork(shown) && <p className={styles.note}>Nothing: all that is there is kept for a reason.</p>}
          <ul className={styles.list}>
            {shown.reclaim.map(pack => (
              <li key={pack.digest}>{packWords(pack)}</li>
            ))}
            {shown.logs.jobs > 0 && (
              <li>
                Logs of {plural(shown.logs.jobs, 'job')}, {formatBytes(shown.logs.sizeBytes)}
              </li>
            )}
            {shown.waiting.map(({ name, packs, sizeBytes }) => (
              <li key={name}>
                {name}: {plural(packs, 'pack')} from before, {formatBytes(sizeBytes)}
              </li>
            ))}
          </ul>
          <p className={styles.note}>
            Jobs, builds, releases and events stay; a build whose pack is gone says so, and can be built again.
          </p>
          <h3 className={styles.heading}>Is kept, and why</h3>
          <ul className={styles.list}>
            {shown.kept.map(pack => (
              <li key={pack.digest}>
                {packWords(pack)}
                <span className={styles.why}>{pack.reasons.join('; ')}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </DockedDialog>
  );
}
