/** Owns what a person may choose for a part of the engine: each setting with its meaning, changed one at a time, in force at once. */
import { type FormEvent, useState } from 'react';
import type { SettingView } from '../../../src-main/contract/settings.ts';
import { client } from '../../client/client.ts';
import { queries } from '../../state/queries.ts';
import { useAction } from '../../state/use-action.ts';
import { useQuery } from '../../state/use-query.ts';
import { Button } from '../../ui/button.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { TextField } from '../../ui/field.tsx';
import styles from './settings.module.css';

function Setting({ setting }: { readonly setting: SettingView }) {
  const held = String(setting.value);
  const [typed, setTyped] = useState<string | null>(null);
  const value = typed ?? held;
  const save = useAction(async () => {
    await client.settings.set({ name: setting.name, value: value.trim() });
    setTyped(null);
    queries.refetch('settings');
    queries.refetch('status');
    queries.refetch('disk');
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void save.run();
  };
  return (
    <form className={styles.setting} onSubmit={submit}>
      <TextField
        label={setting.name}
        hint={setting.meaning}
        error={save.error?.message ?? null}
        value={value}
        spellCheck={false}
        autoComplete="off"
        onChange={next => {
          save.reset();
          setTyped(next);
        }}
      />
      {value.trim() !== held && (
        <Button type="submit" busy={save.busy}>
          Save
        </Button>
      )}
    </form>
  );
}

/** The settings of the installation whose names begin with `prefix`. */
export function SettingList({ title, prefix }: { readonly title: string; readonly prefix: string }) {
  const settings = useQuery('settings', () => client.settings.list(), ['worker']);
  return (
    <details className={styles.more}>
      <summary>{title}</summary>
      {settings.error && !settings.data && <ErrorNotice error={settings.error} onRetry={settings.refetch} />}
      {settings.data
        ?.filter(setting => setting.name.startsWith(prefix))
        .map(setting => (
          <Setting key={setting.name} setting={setting} />
        ))}
    </details>
  );
}
