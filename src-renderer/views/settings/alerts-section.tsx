/** Owns notifications of the system among the settings: whether this browser shows them. */
import { useState } from 'react';
import { useStore } from 'zustand';
import { shell } from '../../client/shell.ts';
import { alertStore, enableAlerts } from '../../state/alerts.ts';
import { Switch } from '../../ui/field.tsx';
import styles from './settings.module.css';

/** The section of notifications. */
export function AlertsSection() {
  return (
    <section className={styles.section}>
      <h2>Notifications</h2>
      {shell === null && <BrowserSwitch />}
      <p className={styles.hint}>
        {shell !== null && "The app shows them also while no window is open; the system's own settings turn that off. "}
        Each repository has its own choice of what notifies. What goes on failing is told once, and once more when it
        works again.
      </p>
    </section>
  );
}

function BrowserSwitch() {
  const { enabled } = useStore(alertStore);
  const [refused, setRefused] = useState(false);
  return (
    <>
      <Switch
        label="Show notifications in this browser"
        checked={enabled}
        onChange={on => void enableAlerts(on).then(allowed => setRefused(!allowed))}
      />
      <p className={styles.hint} aria-live="polite">
        {refused &&
          'The system or the browser does not allow notifications here. Allow them there, then switch them on again.'}
      </p>
    </>
  );
}
