/** Owns the dialogs that set and remove a variable or a secret of a repository's builds. */
import { useState } from 'react';
import { client } from '../../client/client.ts';
import { queries } from '../../state/queries.ts';
import { useAction } from '../../state/use-action.ts';
import { Button } from '../../ui/button.tsx';
import { DockedDialog } from '../../ui/dialog.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { TextArea, TextField } from '../../ui/field.tsx';
import form from './add-repository-dialog.module.css';
import { type EnvironmentKind, nameProblem, valueHint, valueProblem } from './environment-model.ts';
import styles from './repository.module.css';

interface DialogProps {
  readonly repositoryId: string;
  readonly kind: EnvironmentKind;
  readonly onClose: () => void;
}

/** Sets a new value, under a new name or in place of an old value. */
export function SetValueDialog({
  repositoryId,
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
    const request = { repositoryId, name: name.trim(), value };
    if (kind === 'secret') await client.environment.setSecret(request);
    else await client.environment.setVariable(request);
    queries.refetch(`environment:${repositoryId}`);
    onClose();
  });
  const wrongName = nameProblem(name.trim());
  const wrongValue = valueProblem(kind, value);
  const fits = name.trim() !== '' && !wrongName && !wrongValue && (kind === 'variable' || value !== '');
  const submit = () => {
    if (fits) void set.run();
  };
  return (
    <DockedDialog
      title={given === null ? `Add a ${kind}` : `Replace ${given}`}
      onClose={onClose}
      footerNote="Builds that start from now on get it."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" disabled={!fits} busy={set.busy} onClick={submit}>
            {kind === 'secret' ? 'Set secret' : 'Set variable'}
          </Button>
        </>
      }
    >
      <form
        className={form.form}
        onSubmit={event => {
          event.preventDefault();
          submit();
        }}
      >
        <TextField
          label="Name"
          value={name}
          onChange={setName}
          error={wrongName}
          readOnly={given !== null}
          autoFocus={given === null}
          placeholder={kind === 'secret' ? 'NPM_TOKEN' : 'NODE_ENV'}
          spellCheck={false}
          autoComplete="off"
        />
        <TextArea
          label="Value"
          value={value}
          onChange={setValue}
          hint={valueHint(kind)}
          error={wrongValue}
          concealed={kind === 'secret'}
          autoFocus={given !== null}
        />
      </form>
      {set.error && <ErrorNotice error={set.error} />}
    </DockedDialog>
  );
}

/** Asks before a name is removed. */
export function RemoveValueDialog({ repositoryId, kind, name, onClose }: DialogProps & { readonly name: string }) {
  const remove = useAction(async () => {
    const request = { repositoryId, name };
    if (kind === 'secret') await client.environment.removeSecret(request);
    else await client.environment.removeVariable(request);
    queries.refetch(`environment:${repositoryId}`);
    onClose();
  });
  return (
    <DockedDialog
      kind="confirm"
      title={`Remove ${name}`}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" busy={remove.busy} onClick={() => void remove.run()}>
            Remove
          </Button>
        </>
      }
    >
      <p className={styles.remove}>
        {kind === 'secret'
          ? 'Its value is deleted here and cannot be shown or brought back. Builds that name it fail before anything runs.'
          : 'Builds that start from now on do without it.'}
      </p>
      {remove.error && <ErrorNotice error={remove.error} />}
    </DockedDialog>
  );
}
