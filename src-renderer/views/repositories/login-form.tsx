/** Owns giving a token for a server that refused to show a repository. The token goes to the engine and is kept nowhere here. */
import { useState } from 'react';
import { client } from '../../client/client.ts';
import { useAction } from '../../state/use-action.ts';
import { Button } from '../../ui/button.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { TextField } from '../../ui/field.tsx';
import styles from './add-repository-dialog.module.css';

/** `onGiven` is called when the engine has it. */
export function LoginForm({ host, onGiven }: { readonly host: string; readonly onGiven: () => void }) {
  const [user, setUser] = useState('');
  const [token, setToken] = useState('');
  const give = useAction(async () => {
    await client.gitAccess.set({
      host,
      access: { kind: 'token', token: token.trim(), user: user.trim() || undefined },
    });
    setToken('');
    onGiven();
  });
  return (
    <form
      className={styles.form}
      onSubmit={event => {
        event.preventDefault();
        if (token.trim() !== '') void give.run();
      }}
    >
      <TextField
        label={`Token or password for ${host}`}
        type="password"
        value={token}
        onChange={setToken}
        autoComplete="off"
        maxLength={4_000}
        hint="Sealed on this machine, and sent to that server alone."
      />
      <TextField
        label="User"
        value={user}
        onChange={setUser}
        autoComplete="off"
        maxLength={200}
        hint="Empty for what the forge takes beside a token."
      />
      <div>
        <Button type="submit" busy={give.busy} disabled={token.trim() === ''}>
          Keep and look again
        </Button>
      </div>
      {give.error && <ErrorNotice error={{ code: give.error.code, message: give.error.message, retry: 'user' }} />}
    </form>
  );
}
