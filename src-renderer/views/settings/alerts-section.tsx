/** Owns notifications of the system among the settings: whether this computer shows them, and of which repositories. */
import { useState } from 'react';
import { useStore } from 'zustand';
import { shell } from '../../client/shell.ts';
import { alertStore, enableAlerts, setSwitches, switchesOf } from '../../state/alerts.ts';
import { useOverview } from '../../state/shared-queries.ts';
import { CheckField, Switch } from '../../ui/field.tsx';
import styles from './settings.module.css';

/** The section of notifications. */
export function AlertsSection() {
  return (
    <section className={styles.section}>
      <h2>Notifications</h2>
      {shell === null ? (
        <AlertSwitches />
      ) : (
        <p className={styles.hint}>
          The app tells of failures and recoveries, also while no window is open. The system's own settings turn that
          off.
        </p>
      )}
    </section>
  );
}

function AlertSwitches() {
  const state = useStore(alertStore);
  const repositories = useOverview().data?.repositories ?? [];
  const [refused, setRefused] = useState(false);
  return (
    <>
      <Switch
        label="Tell me of failures and recoveries"
        checked={state.enabled}
        onChange={on => void enableAlerts(on).then(allowed => setRefused(!allowed))}
      />
      <p className={styles.hint} aria-live="polite">
        {refused
          ? 'The system or the browser does not allow notifications here. Allow them there, then switch them on again.'
          : 'Kept on this computer. A repository that goes on failing is told of once, and once more when it builds again.'}
      </p>
      {state.enabled && (
        <ul className={styles.list}>
          {repositories.map(({ id, name }) => {
            const switches = switchesOf(state, id);
            return (
              <li key={id} className={styles.alert}>
                <CheckField
                  label={`Failures of ${name}`}
                  checked={switches.failure}
                  onChange={failure => setSwitches(id, { ...switches, failure })}
                />
                <CheckField
                  label={`Recoveries of ${name}`}
                  checked={switches.recovery}
                  onChange={recovery => setSwitches(id, { ...switches, recovery })}
                />
              </li>
            );
          })}
        </ul>
      )}
    </>
  );
}
