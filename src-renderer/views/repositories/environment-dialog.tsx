/** Owns the dialogs that set and remove a variable or a secret: of a repository's builds, or of a channel's releases. */
import { useState } from 'react';
import { client } from '../../client/client.ts';
import { queries } from '../../state/queries.ts';
import { useAction } from '../../state/use-action.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { TextArea, TextField } from '../../ui/field.tsx';
import { FormDialog } from '../../ui/form-dialog.tsx';
import { type EnvironmentKind, nameProblem, valueHint, valueProblem } from './environment-model.ts';
import styles from './repository.module.css';

/** What a person asked to do: nothing is named yet where a new value is added. */
export type AskedValue =
  | { readonly act: 'set'; readonly kind: EnvironmentKind; readonly name: string | null }
  | { readonly act: 'remove'; readonly kind: EnvironmentKind; readonly name: string };

interface DialogProps {
  readonly repositoryId: string;
  /** Null for the builds of the repository. */
  readonly channel: string | null;
  readonly kind: EnvironmentKind;
  readonly onClose: () => void;
}

/** The calls for one place, and the key of the query that shows it. */
function placeOf(repositoryId: string, channel: string | null) {
  if (channel === null) {
    const { setVariable, setSecret, removeVariable, removeSecret } = client.environment;
    return {
      key: `environment:${repositoryId}`,
      set: (kind: EnvironmentKind, name: string, value: string) =>
        (kind === 'secret' ? setSecret : setVariable)({ repositoryId, name, value }),
      remove: (kind: EnvironmentKind, name: string) =>
        (kind === 'secret' ? removeSecret : removeVariable)({ repositoryId, name }),
    };
  }
  const { setVariable, setSecret, removeVariable, removeSecret } = client.channelEnvironment;
  return {
    key: `channel-environment:${repositoryId}:${channel}`,
    set: (kind: EnvironmentKind, name: string, value: string) =>
      (kind === 'secret' ? setSecret : setVariable)({ repositoryId, channel, name, value }),
    remove: (kind: EnvironmentKind, name: string) =>
      (kind === 'secret' ? removeSecret : removeVariable)({ repositoryId, channel, name }),
  };
}

/** The dialog for what was asked. */
export function ValueDialog({ asked, ...place }: Omit<DialogProps, 'kind'> & { readonly asked: AskedValue }) {
  return asked.act === 'set' ? (
    <SetValueDialog {...place} kind={asked.kind} name={asked.name} />
  ) : (
    <RemoveValueDialog {...place} kind={asked.kind} name={asked.name} />
  );
}

/** Sets a new value, under a new name or in place of an old value. */
function SetValueDialog({
  repositoryId,
  channel,
  kind,
  name: given,
  onClose,
}: DialogProps & {
  /** Null for a name that is yet to be chosen. */
  readonly name: string | null;
}) {
  const [name, setName] = useState(given ?? '');
  const [value, setValue] = useState('');
  const set = useAction(async () => {
    const place = placeOf(repositoryId, channel);
    await place.set(kind, name.trim(), value);
    queries.refetch(place.key);
    onClose();
  });
  const wrongName = nameProblem(name.trim());
  const wrongValue = valueProblem(kind, value);
  const fits = name.trim() !== '' && !wrongName && !wrongValue && (kind === 'variable' || value !== '');
  return (
    <FormDialog
      title={`${given === null ? `Add a ${kind}` : `Replace ${given}`}${channel === null ? '' : ` on ${channel}`}`}
      onClose={onClose}
      footerNote={channel === null ? 'Builds that start from now on get it.' : 'Live with the next release.'}
      submitLabel={kind === 'secret' ? 'Set secret' : 'Set variable'}
      fits={fits}
      action={set}
      onSubmit={() => void set.run()}
    >
      <TextField
        label="Name"
        value={name}
        onChange={setName}
        error={wrongName}
        readOnly={given !== null}
        autoFocus={given === null}
        placeholder={kind === 'variable' ? 'NODE_ENV' : channel === null ? 'NPM_TOKEN' : 'DATABASE_URL'}
        spellCheck={false}
        autoComplete="off"
      />
      <TextArea
        label="Value"
        value={value}
        onChange={setValue}
        hint={valueHint(kind, channel)}
        error={wrongValue}
        concealed={kind === 'secret'}
        autoFocus={given !== null}
      />
    </FormDialog>
  );
}

/** Asks before a name is removed. */
function RemoveValueDialog({ repositoryId, channel, kind, name, onClose }: DialogProps & { readonly name: string }) {
  const remove = useAction(async () => {
    const place = placeOf(repositoryId, channel);
    await place.remove(kind, name);
    queries.refetch(place.key);
    onClose();
  });
  return (
    <ConfirmDialog
      title={`Remove ${name}`}
      onClose={onClose}
      confirmLabel="Remove"
      action={remove}
      onConfirm={() => void remove.run()}
    >
      <p className={styles.remove}>
        {channel !== null
          ? `The next release on ${channel} runs without it. Going back to an earlier release brings it back.`
          : kind === 'secret'
            ? 'Its value is deleted here and cannot be shown or brought back. Builds that name it fail before anything runs.'
            : 'Builds that start from now on do without it.'}
      </p>
      {remove.error && <ErrorNotice error={remove.error} />}
    </ConfirmDialog>
  );
}
