/** Owns the switches of a repository's notifications: each takes effect at once, for all who use this engine. */
import { useStore } from 'zustand';
import { type AlertKind, alertKindSchema } from '../../../src-main/contract/alerts.ts';
import type { RepositoryDetail } from '../../../src-main/contract/views/repository.ts';
import { client } from '../../client/client.ts';
import { shell } from '../../client/shell.ts';
import { alertStore } from '../../state/alerts.ts';
import { queries } from '../../state/queries.ts';
import { routeHref } from '../../state/route.ts';
import { useAction } from '../../state/use-action.ts';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { Switch } from '../../ui/field.tsx';
import styles from './repository.module.css';

const words: Readonly<Record<AlertKind, string>> = {
  failed: 'Something fails',
  recovered: 'It works again',
  deployed: 'A channel runs another release',
  attention: 'Something waits for a person',
};

export function Alerts({ repository: { id, alerts } }: { readonly repository: RepositoryDetail }) {
  const { enabled } = useStore(alertStore);
  const choose = useAction(async (change: Partial<RepositoryDetail['alerts']>) => {
    await client.repositories.setAlerts({ id, ...change });
    queries.refetch(`repository:${id}`);
  });
  return (
    <div className={styles.switches}>
      {alertKindSchema.options.map(kind => (
        <Switch
          key={kind}
          label={words[kind]}
          checked={alerts[kind]}
          onChange={on => void choose.run({ [kind]: on })}
        />
      ))}
      {shell === null && !enabled && (
        <p className={styles.facts}>
          This browser shows none. <a href={routeHref({ view: 'settings' })}>Turn them on in Settings</a>
        </p>
      )}
      {choose.error && <ErrorNotice error={choose.error} />}
    </div>
  );
}
