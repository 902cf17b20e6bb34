/** Owns the settings: what this installation is, its workers, its looks. */
import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { useStore } from 'zustand';
import type { EngineStatus } from '../../../src-main/contract/views/engine.ts';
import type { WorkerMode } from '../../../src-main/contract/views/worker.ts';
import { client } from '../../client/client.ts';
import { poolWords } from '../../state/pool-words.ts';
import { queries } from '../../state/queries.ts';
import { useStatus } from '../../state/shared-queries.ts';
import { setTheme, type Theme, themeStore } from '../../state/theme.ts';
import { useAction } from '../../state/use-action.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { Switch } from '../../ui/field.tsx';
import { formatDuration, plural } from '../../ui/format.ts';
import { Select, type SelectOption } from '../../ui/select.tsx';
import text from '../../ui/text.module.css';
import { RelativeTime } from '../../ui/time.tsx';
import { AlertsSection } from './alerts-section.tsx';
import { BackupSection } from './backup-section.tsx';
import { CrashDrill } from './crash-drill.tsx';
import { DiskSection } from './disk-use.tsx';
import { InterchangeSection } from './interchange-section.tsx';
import { SettingList } from './setting-list.tsx';
import styles from './settings.module.css';

const themeOptions: readonly SelectOption<Theme>[] = [
  { value: 'system', label: 'Like the system' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
];

function Copyable({ value, label }: { readonly value: string; readonly label: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <span className={styles.copy}>
      <span className={text.mono}>{value}</span>
      <IconButton
        small
        label={copied ? 'Copied' : label}
        onClick={() => void navigator.clipboard.writeText(value).then(() => setCopied(true))}
      >
        {copied ? <Check size={14} strokeWidth={1.5} aria-hidden /> : <Copy size={14} strokeWidth={1.5} aria-hidden />}
      </IconButton>
    </span>
  );
}

function Workers({ workers }: { readonly workers: EngineStatus['workers'] }) {
  const isTaking = workers.mode === 'running';
  const set = useAction(async (mode: WorkerMode) => {
    await client.workers.setMode({ mode });
    queries.refetch('status');
  });
  return (
    <section className={styles.section}>
      <h2>Workers</h2>
      <dl className={styles.facts}>
        <dt>Now</dt>
        <dd>{poolWords(workers)}</dd>
        <dt>Number</dt>
        <dd>
          {workers.wanted}, {workers.sizeReason}
        </dd>
        <dt>Taking jobs</dt>
        <dd>
          <Switch
            label={isTaking ? 'on' : workers.mode}
            checked={isTaking}
            disabled={set.busy}
            onChange={on => void set.run(on ? 'running' : 'paused')}
          />
          <p className={styles.hint}>While paused, running builds go on and new revisions wait in the queue.</p>
          {workers.mode !== 'drained' && (
            <Button busy={set.busy} onClick={() => void set.run('drained')}>
              Drain the workers
            </Button>
          )}
        </dd>
      </dl>
      {set.error && <ErrorNotice error={set.error} />}
      <SettingList title="Number, signs of life and replacement" prefix="workers." />
    </section>
  );
}

function Appearance() {
  const { theme } = useStore(themeStore);
  return (
    <section className={styles.section}>
      <h2>Appearance</h2>
      <dl className={styles.facts}>
        <dt>Theme</dt>
        <dd>
          <Select label="Theme" value={theme} options={themeOptions} onChange={setTheme} />
          <p className={styles.hint}>Kept on this computer. Contrast and motion follow the system.</p>
        </dd>
      </dl>
    </section>
  );
}

/** The settings. */
export function SettingsView() {
  const status = useStatus();
  const engine = status.data;
  return (
    <div className={styles.view}>
      {status.error && !engine && <ErrorNotice error={status.error} onRetry={status.refetch} />}
      {engine && (
        <>
          {engine.problems.length > 0 && (
            <section className={styles.section}>
              <h2>{plural(engine.problems.length, 'problem')} of the engine</h2>
              {engine.problems.map(problem => (
                <div key={`${problem.code} ${problem.message}`} className={styles.problem}>
                  <ErrorNotice error={problem} />
                </div>
              ))}
            </section>
          )}
          <section className={styles.section}>
            <h2>This installation</h2>
            <dl className={styles.facts}>
              <dt>Version</dt>
              <dd>
                {engine.version}, {engine.host === 'desktop' ? 'desktop app' : 'headless host'}
              </dd>
              <dt>Running since</dt>
              <dd>
                <RelativeTime atMs={engine.startedAtMs} />
              </dd>
              <dt>Data folder</dt>
              <dd>
                <Copyable value={engine.dataFolder} label="Copy the path" />
              </dd>
              <dt>Root public key</dt>
              <dd>
                <Copyable value={engine.rootPublicKey} label="Copy the key" />
                <p className={styles.hint}>
                  Machines pin this key when they are paired: they take releases of this installation and of no other.
                </p>
              </dd>
              <dt>Polling</dt>
              <dd>
                {plural(engine.polling.repositories, 'repository', 'repositories')}, every{' '}
                {formatDuration(engine.polling.intervalMs)}
              </dd>
            </dl>
          </section>
          <Workers workers={engine.workers} />
          <DiskSection />
          <BackupSection />
          <InterchangeSection />
          <CrashDrill />
        </>
      )}
      <AlertsSection />
      <Appearance />
    </div>
  );
}
