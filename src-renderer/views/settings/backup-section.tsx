/** Owns backup among the settings: where it goes, how far it is, and how one is restored. */
import { type FormEvent, useState } from 'react';
import type { BackupView } from '../../../src-main/contract/backup.ts';
import { client } from '../../client/client.ts';
import { queries } from '../../state/queries.ts';
import { useAction } from '../../state/use-action.ts';
import { useQuery } from '../../state/use-query.ts';
import { Button } from '../../ui/button.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { Switch, TextField } from '../../ui/field.tsx';
import { formatBytes, plural } from '../../ui/format.ts';
import { RelativeTime } from '../../ui/time.tsx';
import styles from './settings.module.css';

function Progress({ view, onCancel }: { readonly view: BackupView; readonly onCancel: () => void }) {
  return (
    <>
      <p aria-live="polite">
        {view.totalBytes === 0
          ? 'Copying the database…'
          : `${formatBytes(view.doneBytes)} of ${formatBytes(view.totalBytes)} into ${view.file}`}
      </p>
      <Button onClick={onCancel}>Break it off</Button>
    </>
  );
}

/** The section of backups. */
export function BackupSection() {
  const backup = useQuery('backup', () => client.backup.get(), ['status']);
  const [file, setFile] = useState('');
  const [artifacts, setArtifacts] = useState(false);
  const start = useAction(async () => {
    await client.backup.start({ file: file.trim(), artifacts });
    queries.refetch('backup');
  });
  const cancel = useAction(async () => {
    await client.backup.cancel();
    queries.refetch('backup');
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void start.run();
  };
  const view = backup.data;
  return (
    <section className={styles.section}>
      <h2>Backup</h2>
      {backup.error && !view && <ErrorNotice error={backup.error} onRetry={backup.refetch} />}
      {view?.state === 'running' ? (
        <Progress view={view} onCancel={() => void cancel.run()} />
      ) : (
        <form className={styles.form} onSubmit={submit}>
          <TextField
            label="File on the engine's machine"
            hint="A whole path outside of the data folder, as /mnt/backup/monday.tar.zst."
            error={start.error?.message ?? null}
            value={file}
            spellCheck={false}
            autoComplete="off"
            onChange={next => {
              start.reset();
              setFile(next);
            }}
          />
          <Switch label="With all packs" checked={artifacts} onChange={setArtifacts} />
          <Button type="submit" busy={start.busy} disabled={file.trim() === ''}>
            Back up now
          </Button>
        </form>
      )}
      {view?.state === 'failed' && view.error && <ErrorNotice error={view.error} />}
      {view?.result && (
        <p className={styles.hint}>
          Last: <RelativeTime atMs={view.result.createdAtMs} />, {view.result.file},{' '}
          {formatBytes(view.result.sizeBytes)}
          {view.result.packsLeftOut > 0 && `, without ${plural(view.result.packsLeftOut, 'pack')}`}
          {view.result.keyWrappedBy !== null && ', without the master key, which the system’s key store holds'}.
        </p>
      )}
      <p className={styles.hint}>
        It holds the keys of this installation. “slipway restore FILE --data DIR” brings it back into an empty folder,
        here or elsewhere.
      </p>
    </section>
  );
}
